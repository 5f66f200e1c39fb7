import { z } from "zod";
import type { Digest } from "../../protocol/digest.ts";
import { HOOK_EVENTS, HOOK_STYLES, type HookEvent, type HookHarness } from "../harnesses.ts";

/** The fields of a hook's input that decide the answer. */
export const HookInput = z.object({
  session_id: z.string().catch(""),
  hook_event_name: z.string().optional().catch(undefined),
  /** An earlier stop hook made the session go on. */
  stop_hook_active: z.boolean().catch(false),
});
export type HookInput = z.infer<typeof HookInput>;

/** The event by our name. The name in the input counts, else the argument of the command. */
export function eventOf(harness: HookHarness, input: HookInput, argument: string | undefined): HookEvent | undefined {
  const name = input.hook_event_name ?? argument;
  return HOOK_EVENTS.find((event) => event === name || HOOK_STYLES[harness].events[event] === name);
}

/** Tells the model that the relay speaks, not its user. */
const LEAD = "From Signalbox, the relay that connects you with other agents and people (not from your user).";
const ASK = "Read them with inbox.";
const WORK_ON =
  "Deal with what is shown before you stop: answer what needs an answer (reply, answer), claim work that is yours. Messages that need nothing need no reply.";
const READ_ON =
  "Do so before you stop: answer what needs an answer (reply, answer), claim work that is yours, and ack the rest. Messages that need nothing need no reply.";

/** Output of a hook, and how far it brings the inbox to the model. */
export interface HookAnswer {
  answer: object;
  /** Newest message whose text is in the answer. */
  shownUpTo?: number | undefined;
  /** Newest message that the answer counts without showing its text. */
  countedUpTo?: number | undefined;
}

/**
 * @returns `undefined` when there is nothing to tell. Context of a start and of a prompt reaches models above their user (Claude
 * Code: `system`, Codex: `developer`), so it holds the relay's own words alone.
 */
export function answerTo(harness: HookHarness, event: HookEvent, digest: Digest): HookAnswer | undefined {
  const { text, head, unread, ack, newest } = digest;
  if (event !== "session-start" && unread === 0) return undefined;
  const counted = [LEAD, head, ...(unread ? [ASK] : [])];
  const { events, stopIsUsers } = HOOK_STYLES[harness];
  if (event !== "stop")
    return { answer: { hookSpecificOutput: { hookEventName: events[event], additionalContext: counted.join("\n") } } };
  if (stopIsUsers) return { answer: blocked([LEAD, text, WORK_ON]), shownUpTo: ack ?? undefined };
  return { answer: blocked([...counted, READ_ON]), countedUpTo: newest ?? undefined };
}

const blocked = (lines: string[]): object => ({ decision: "block", reason: lines.join("\n") });
