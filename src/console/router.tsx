import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import type { RunStatus } from "../protocol/runs.ts";
import { Frame } from "./frame/frame.tsx";
import { NowPage } from "./pages/now/now.tsx";

const root = createRootRoute({ component: Frame });

const now = createRoute({ getParentRoute: () => root, path: "/", component: NowPage });
const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const oneOf = <Choice extends string>(choices: readonly Choice[], value: unknown): Choice | undefined =>
  choices.find((choice) => choice === value);

type WorkView = "claimed" | "delayed" | "dead" | "done";

/** Filters of the list of runs. */
interface RunFilters {
  status?: RunStatus | undefined;
  agent?: string | undefined;
  project?: string | undefined;
}

const runs = createRoute({
  getParentRoute: () => root,
  path: "/runs",
  validateSearch: ({ status, agent, project }): RunFilters => ({
    status: oneOf(["queued", "running", "waiting", "stopping", "ended"], status),
    agent: text(agent),
    project: text(project),
  }),
  component: lazyRouteComponent(() => import("./pages/runs/runs.tsx"), "RunsPage"),
});
const run = createRoute({
  getParentRoute: () => root,
  path: "/runs/$id",
  component: lazyRouteComponent(() => import("./pages/runs/run.tsx"), "RunPage"),
});
const agents = createRoute({
  getParentRoute: () => root,
  path: "/agents",
  validateSearch: ({ show }): { show?: "machines" | "sessions" | "profiles" | undefined } => ({
    show: oneOf(["machines", "sessions", "profiles"], show),
  }),
  component: lazyRouteComponent(() => import("./pages/fleet/fleet.tsx"), "FleetPage"),
});
const agent = createRoute({
  getParentRoute: () => root,
  path: "/agents/$id",
  component: lazyRouteComponent(() => import("./pages/fleet/agent.tsx"), "AgentPage"),
});
const session = createRoute({
  getParentRoute: () => root,
  path: "/sessions/$id",
  component: lazyRouteComponent(() => import("./pages/fleet/session.tsx"), "SessionPage"),
});
/** Words and filter stay in the address, so that a list can be handed on. */
const threadSearch = ({ q, show }: Record<string, unknown>): { q?: string; show?: "all" | "archived" } => ({
  ...(typeof q === "string" && q !== "" && { q }),
  ...((show === "all" || show === "archived") && { show }),
});
const threadsPage = lazyRouteComponent(() => import("./pages/threads/threads.tsx"), "ThreadsPage");
const threads = createRoute({
  getParentRoute: () => root,
  path: "/threads",
  validateSearch: threadSearch,
  component: threadsPage,
});
const thread = createRoute({
  getParentRoute: () => root,
  path: "/threads/$id",
  validateSearch: threadSearch,
  component: threadsPage,
});
const work = createRoute({
  getParentRoute: () => root,
  path: "/work",
  validateSearch: ({ state }): { state?: WorkView | undefined } => ({
    state: oneOf(["claimed", "delayed", "dead", "done"], state),
  }),
  component: lazyRouteComponent(() => import("./pages/work/work.tsx"), "WorkPage"),
});
const activity = createRoute({
  getParentRoute: () => root,
  path: "/activity",
  component: lazyRouteComponent(() => import("./pages/activity/activity.tsx"), "ActivityPage"),
});
const approvals = createRoute({
  getParentRoute: () => root,
  path: "/approvals",
  validateSearch: ({ show }): { show?: "rules" | undefined } => ({ show: oneOf(["rules"], show) }),
  component: lazyRouteComponent(() => import("./pages/approvals/approvals.tsx"), "ApprovalsPage"),
});
const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  component: lazyRouteComponent(() => import("./pages/settings/settings.tsx"), "SettingsPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    now,
    threads,
    thread,
    runs,
    run,
    agents,
    agent,
    session,
    work,
    activity,
    approvals,
    settings,
  ]),
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
