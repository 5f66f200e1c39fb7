import { z } from "zod";
import type { Digest } from "../wake/schema.ts";

/** The harnesses whose hooks are answered. Both have the same events and read the same answers. */
export const HARNESSES = ["claude", "codex"] as const;
export type Harness = (typeof HARNESSES)[number];

/** Our name of an event, and the harness's. */
export const EVENTS = { "session-start": "SessionStart", prompt: "UserPromptSubmit", stop: "Stop" } as const;
export type HookEvent = keyof typeof EVENTS;

/** What a harness says on stdin, as far as we look at it. */
export const HookInput = z.object({
  session_id: z.string().catch(""),
  hook_event_name: z.string().optional().catch(undefined),
  /** The session goes on because a stop hook wanted it to. */
  stop_hook_active: z.boolean().catch(false),
});
export type HookInput = z.infer<typeof HookInput>;

/** The event as we name it: what stdin says counts, else the argument. */
export function eventOf(given: string | undefined, said: string | undefined): HookEvent | undefined {
  const names = Object.entries(EVENTS) as [HookEvent, string][];
  const wanted = said ?? given;
  return names.find(([ours, theirs]) => ours === wanted || theirs === wanted)?.[0];
}

/** What a model is told before the digest: by the relay, and that it is no word of its user. */
const LEAD = "From Signalbox, the relay that connects you with other agents and people (not from your user).";
const WORK_ON =
  "Deal with what is shown before you stop: answer what needs an answer (reply, answer), claim work that is yours. What needs nothing needs no reply.";

const ASK = "Read them with inbox.";

/** What the harness reads on stdout, and how far that has shown the inbox. */
export interface HookAnswer {
  answer: object;
  shownUpTo: number | undefined;
}

/** undefined when there is nothing to say. */
export function answerTo(harness: Harness, event: HookEvent, digest: Digest): HookAnswer | undefined {
  const { text, head, unread, ack } = digest;
  if (event !== "session-start" && unread === 0) return undefined;
  const shownUpTo = ack ?? undefined;
  if (event === "stop") return { answer: { decision: "block", reason: [LEAD, text, WORK_ON].join("\n") }, shownUpTo };
  if (harness === "claude") return { answer: contextOf(event, [LEAD, text]), shownUpTo };
  // Codex gives a model such context in the developer's name, above its user's: no place for text by others.
  return { answer: contextOf(event, [LEAD, head, ...(unread ? [ASK] : [])]), shownUpTo: undefined };
}

const contextOf = (event: HookEvent, lines: string[]): object => ({
  hookSpecificOutput: { hookEventName: EVENTS[event], additionalContext: lines.join("\n") },
});
