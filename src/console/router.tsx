import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
  retainSearchParams,
} from "@tanstack/react-router";
import { MESSAGE_KINDS } from "../protocol/limits.ts";
import type { MessageKind } from "../protocol/messages.ts";
import type { RunStatus } from "../protocol/runs.ts";
import { USAGE_BY, type UsageBy } from "../protocol/series.ts";
import type { TaskStatus } from "../protocol/tasks.ts";
import { Frame } from "./frame/frame.tsx";
import { NowPage } from "./pages/now/now.tsx";
import { SEARCH_KINDS, type Search, type SearchKind } from "./search/query.ts";

/** A value of an address. The router reads `7` and `true` as what they look like. */
const text = (value: unknown): string | undefined =>
  value !== "" && ["string", "number", "boolean"].includes(typeof value) ? String(value) : undefined;
const oneOf = <const Choice extends string | number>(choices: readonly Choice[], value: unknown): Choice | undefined =>
  choices.find((choice) => choice === value);

/** Every page may show one project alone, and leads to others that do. */
const root = createRootRoute({
  component: Frame,
  validateSearch: ({ project }): { project?: string | undefined } => ({ project: text(project) }),
  search: { middlewares: [retainSearchParams(["project"])] },
});

const now = createRoute({ getParentRoute: () => root, path: "/", component: NowPage });

/** Filters by what things are about. */
const facets = ({ project, tag, pr, q }: Record<string, unknown>) => ({
  ...{ project: text(project), tag: text(tag), pr: text(pr), q: text(q) },
});

const search = createRoute({
  getParentRoute: () => root,
  path: "/search",
  validateSearch: (given: Record<string, unknown>): Search & { in?: SearchKind | undefined } => ({
    ...facets(given),
    agent: text(given.agent),
    state: text(given.state),
    in: oneOf(SEARCH_KINDS, given.in),
  }),
  component: lazyRouteComponent(() => import("./pages/search/search.tsx"), "SearchPage"),
});

/** Filters of work: of messages by their state, or of tasks. */
interface WorkFilters {
  show?: "tasks" | undefined;
  state?: "claimed" | "delayed" | "dead" | "done" | undefined;
  status?: TaskStatus | undefined;
  target?: string | undefined;
  topic?: string | undefined;
  kind?: MessageKind | undefined;
  from?: string | undefined;
}

/** Filters of the list of runs. */
interface RunFilters extends Omit<Search, "state"> {
  status?: RunStatus | undefined;
}

const runs = createRoute({
  getParentRoute: () => root,
  path: "/runs",
  validateSearch: ({ status, agent, ...given }: Record<string, unknown>): RunFilters => ({
    ...facets(given),
    status: oneOf(["queued", "running", "waiting", "stopping", "ended"], status),
    agent: text(agent),
  }),
  component: lazyRouteComponent(() => import("./pages/runs/runs.tsx"), "RunsPage"),
});
const run = createRoute({
  getParentRoute: () => root,
  path: "/runs/$id",
  component: lazyRouteComponent(() => import("./pages/runs/run.tsx"), "RunPage"),
});
const compare = createRoute({
  getParentRoute: () => root,
  path: "/runs/compare",
  validateSearch: ({ a, b }): { a?: string | undefined; b?: string | undefined } => ({ a: text(a), b: text(b) }),
  component: lazyRouteComponent(() => import("./pages/runs/compare.tsx"), "ComparePage"),
});
/** A part of the fleet; `range`: the time of the flow. */
interface FleetView {
  show?: "machines" | "sessions" | "profiles" | "flow" | "deleted" | undefined;
  range?: "hour" | "day" | "week" | "month" | undefined;
}
const agents = createRoute({
  getParentRoute: () => root,
  path: "/agents",
  validateSearch: ({ show, range }): FleetView => ({
    show: oneOf(["machines", "sessions", "profiles", "flow", "deleted"], show),
    range: oneOf(["hour", "day", "week", "month"], range),
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
/** Filters of the list of threads, and how finely one is shown. */
interface ThreadFilters extends Omit<Search, "state"> {
  show?: "all" | "archived" | undefined;
  level?: 2 | 3 | undefined;
  why?: number | undefined;
}
/** Words and filter stay in the address, so that a list can be handed on. */
const threadSearch = ({ show, agent, level, why, ...given }: Record<string, unknown>): ThreadFilters => ({
  ...facets(given),
  agent: text(agent),
  show: oneOf(["all", "archived"], show),
  level: level === 2 || level === 3 ? level : undefined,
  why: Number.isSafeInteger(why) ? (why as number) : undefined,
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
  validateSearch: ({ show, state, status, target, topic, kind, from }): WorkFilters => ({
    show: oneOf(["tasks"], show),
    state: oneOf(["claimed", "delayed", "dead", "done"], state),
    status: oneOf(["open", "claimed", "in_progress", "blocked", "done", "failed", "cancelled"], status),
    target: text(target),
    topic: text(topic),
    kind: oneOf(MESSAGE_KINDS, kind),
    from: text(from),
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
const channels = createRoute({
  getParentRoute: () => root,
  path: "/channels",
  component: lazyRouteComponent(() => import("./pages/channels/channels.tsx"), "ChannelsPage"),
});
const channel = createRoute({
  getParentRoute: () => root,
  path: "/channels/$id",
  validateSearch: ({ show }): { show?: "bindings" | "guests" | undefined } => ({
    show: oneOf(["bindings", "guests"], show),
  }),
  component: lazyRouteComponent(() => import("./pages/channels/channel.tsx"), "ChannelPage"),
});
const schedules = createRoute({
  getParentRoute: () => root,
  path: "/schedules",
  validateSearch: ({ show }): { show?: "jobs" | undefined } => ({ show: oneOf(["jobs"], show) }),
  component: lazyRouteComponent(() => import("./pages/schedules/schedules.tsx"), "SchedulesPage"),
});
const schedule = createRoute({
  getParentRoute: () => root,
  path: "/schedules/$id",
  component: lazyRouteComponent(() => import("./pages/schedules/schedule.tsx"), "SchedulePage"),
});
/** Times and groups of usage and load. */
interface NumberFilters {
  by?: UsageBy | undefined;
  days?: 7 | 30 | 90 | 365 | undefined;
  span?: "hour" | "day" | "week" | "quarter" | undefined;
}
const settingsPage = lazyRouteComponent(() => import("./pages/settings/settings.tsx"), "SettingsPage");
const approval = createRoute({
  getParentRoute: () => root,
  path: "/approvals/$id",
  component: lazyRouteComponent(() => import("./pages/approvals/card.tsx"), "ApprovalPage"),
});
const settings = createRoute({ getParentRoute: () => root, path: "/settings", component: settingsPage });
const settingsSection = createRoute({
  getParentRoute: () => root,
  path: "/settings/$section",
  validateSearch: ({ by, days, span }): NumberFilters => ({
    by: oneOf(USAGE_BY, by),
    days: oneOf([7, 30, 90, 365], days),
    span: oneOf(["hour", "day", "week", "quarter"], span),
  }),
  component: settingsPage,
});

const flow = createRoute({
  getParentRoute: () => root,
  path: "/flow",
  beforeLoad: () => {
    throw redirect({ to: "/agents", search: { show: "flow" } });
  },
});

export const router = createRouter({
  routeTree: root.addChildren([
    now,
    search,
    threads,
    thread,
    runs,
    run,
    compare,
    agents,
    agent,
    session,
    work,
    activity,
    approvals,
    approval,
    channels,
    channel,
    schedules,
    schedule,
    settings,
    settingsSection,
    flow,
  ]),
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
