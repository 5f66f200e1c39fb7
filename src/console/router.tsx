import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { Frame } from "./frame/frame.tsx";
import { NowPage } from "./pages/now/now.tsx";

const root = createRootRoute({ component: Frame });

const now = createRoute({ getParentRoute: () => root, path: "/", component: NowPage });
const agents = createRoute({
  getParentRoute: () => root,
  path: "/agents",
  component: lazyRouteComponent(() => import("./pages/fleet/agents.tsx"), "AgentsPage"),
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
const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  component: lazyRouteComponent(() => import("./pages/settings/settings.tsx"), "SettingsPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([now, threads, thread, agents, settings]),
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
