import type { AllAreas } from "./areas.ts";
import type { Config } from "./config.ts";
import type { SocketServer } from "./core/inbox/socket-route.ts";
import { type App, createApp, upgradeWith } from "./edges/http/app.ts";
import { createHandle } from "./edges/http/handle.ts";
import { allRoutes, lateRoutes, type Routes } from "./identity/auth/late-routes.ts";
import { createRateLimit } from "./kernel/http/rate-limit.ts";
import { CONSOLE_PLACES } from "./protocol/console.ts";

/** The routes of all areas behind the one handler. */
export function createHttp(config: Config, areas: AllAreas) {
  const { kernel, identity, gate, metrics, stats } = areas;
  const limit = createRateLimit(kernel.clock, config.rateLimit);
  const handle = createHandle({ kernel, identity, gate }, limit, (operation, status, ms) => {
    metrics.request(operation, status, ms);
    stats.events.requestAnswered(status);
  });
  const server: SocketServer = {
    identify: async (request, id) => handle.identify(request, id, "stream"),
    isSignedIn: handle.isSignedIn,
    upgrade: (request, data, headers) => upgradeWith(app)(request, data, headers),
  };
  const described: Routes = [
    areas.health.probes,
    areas.health.routes,
    areas.backups.routes,
    identity.lateRoutes,
    areas.runs.routes,
    areas.approvals.routes,
    areas.sessions.routes,
    areas.commands.routes,
    areas.profiles.routes,
    areas.holds.routes,
    areas.limits.routes,
    areas.announcements.routes,
    ...[areas.traces.routes, areas.loops.routes, areas.webhooks.routes, areas.channels.routes, areas.pairs.routes],
    ...[areas.chat.routes, areas.watch.routes(server), areas.attention.routes],
    areas.projects.routes,
    ...[areas.bulk.routes, areas.views.routes],
    areas.push.routes,
    ...[areas.integrations.routes, areas.a2a.routes, areas.files.routes, areas.schedules.routes, areas.digests.routes],
    ...[areas.jobs.routes, areas.models.routes, areas.stats.routes],
    // All at once: a path of one may look like a parameter of another (/v1/messages/stream).
    lateRoutes(["/v1"], async () => {
      const core = import("./core/routes.ts").then(({ coreRoutes }) => coreRoutes(areas, limit, server));
      const features = [areas.tasks.routes(), areas.delegations.routes(), areas.attention.messageRoutes()];
      return (await Promise.all([identity.routes(), core, ...features])).flat();
    }),
  ].flat();
  const pages = lateRoutes(
    ["/", "/assets", "/sw.js", "/manifest.webmanifest", ...CONSOLE_PLACES.map((place) => `/${place}`)],
    async () => (await import("./edges/console/routes.ts")).consoleRoutes(),
  );
  // The pages of the console are one page, at many addresses.
  const listed = async () =>
    (await allRoutes([...described, pages])).filter(({ operationId }) => operationId !== "consolePage");
  const docs = lateRoutes(["/openapi.json", "/docs"], async () =>
    (await import("./edges/http/docs.ts")).docsRoutes(listed, config.publicUrl),
  );
  const app: App = createApp([...described, docs, pages, areas.a2a.bindings, ...areas.mcp.bindings], handle);
  return { app, routes: async () => [...(await listed()), ...(await allRoutes([docs]))] };
}
