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

/** What the harness reads on stdout; undefined when there is nothing to say. */
export function answerTo(event: HookEvent, digest: Digest): object | undefined {
  if (event === "stop") {
    if (digest.unread === 0) return undefined;
    return { decision: "block", reason: [LEAD, digest.text, WORK_ON].join("\n") };
  }
  if (event === "prompt" && digest.unread === 0) return undefined;
  const additionalContext = [LEAD, digest.text].join("\n");
  return { hookSpecificOutput: { hookEventName: EVENTS[event], additionalContext } };
}
