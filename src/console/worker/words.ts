import type { PushKind, PushPayload } from "../../protocol/push.ts";

/** Pages that a notification may open: one thing each, on the relay's own origin. */
const PAGE = /^\/(approvals\/apr_\w+|threads\/\d+|runs\/run_\w+)?$/;

const SOMETHING: PushPayload = { kind: "handed", agent: null, path: "/", tag: "more" };

/** The page to open; the first one for anything else. */
export const pageOf = (path: unknown): string => (typeof path === "string" && PAGE.test(path) ? path : "/");

/** A push as it came; one that cannot be read says that something waits. */
export function readPush(text: string): PushPayload {
  try {
    const push = JSON.parse(text) as PushPayload;
    return typeof push.tag === "string" && typeof push.path === "string" ? push : SOMETHING;
  } catch {
    return SOMETHING;
  }
}

const TITLES: Record<PushKind, (agent: string) => string> = {
  approval: (agent) => `${agent} asks for a decision`,
  message: (agent) => `${agent} wrote to you`,
  run: (agent) => `A run of ${agent} has ended`,
  blocked: (agent) => `A result of ${agent} could not be delivered`,
  handed: () => "Something waits for you",
};

export const titleOf = ({ kind, agent }: PushPayload): string =>
  agent === null ? TITLES.handed("") : (TITLES[kind] ?? TITLES.handed)(agent);

export const bodyOf = ({ text }: PushPayload): string => text ?? "";
