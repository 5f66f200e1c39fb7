import { z } from "zod";
import type { Digest } from "../../protocol/digest.ts";

/** Events as we name them. */
export const HOOK_EVENTS = ["session-start", "prompt", "stop"] as const;
export type HookEvent = (typeof HOOK_EVENTS)[number];

interface Manner {
  title: string;
  /** The harness's names of the events. */
  events: Record<HookEvent, string>;
  /**
   * The reason of a stop hook reaches the model as its user's words and nowhere else, so it may carry text by others.
   * Claude Code 2.1.332 repeats it in the role `system`.
   */
  stopIsUsers: boolean;
}

const CLAUDE_EVENTS = { "session-start": "SessionStart", prompt: "UserPromptSubmit", stop: "Stop" };

/** Harnesses whose hooks are answered. All read the same answers. */
export const MANNERS = {
  claude: { title: "Claude Code", events: CLAUDE_EVENTS, stopIsUsers: false },
  codex: { title: "Codex", events: CLAUDE_EVENTS, stopIsUsers: true },
  gemini: {
    title: "Gemini CLI",
    events: { "session-start": "SessionStart", prompt: "BeforeAgent", stop: "AfterAgent" },
    stopIsUsers: true,
  },
  qwen: { title: "Qwen Code", events: CLAUDE_EVENTS, stopIsUsers: false },
} satisfies Record<string, Manner>;
export type HookHarness = keyof typeof MANNERS;
export const HOOK_HARNESSES = Object.keys(MANNERS) as HookHarness[];

/** Input of a hook, as far as it is looked at. */
export const HookInput = z.object({
  session_id: z.string().catch(""),
  hook_event_name: z.string().optional().catch(undefined),
  /** The session goes on because a stop hook wanted it to. */
  stop_hook_active: z.boolean().catch(false),
});
export type HookInput = z.infer<typeof HookInput>;

/** The event as we name it: what stdin says counts, else the argument. */
export function eventOf(
  harness: HookHarness,
  given: string | undefined,
  said: string | undefined,
): HookEvent | undefined {
  const wanted = said ?? given;
  return HOOK_EVENTS.find((event) => event === wanted || MANNERS[harness].events[event] === wanted);
}

/** Tells the model that the relay speaks, not its user. */
const LEAD = "From Signalbox, the relay that connects you with other agents and people (not from your user).";
const ASK = "Read them with inbox.";
const WORK_ON =
  "Deal with what is shown before you stop: answer what needs an answer (reply, answer), claim work that is yours. Messages that need nothing need no reply.";
const READ_ON =
  "Do so before you stop: answer what needs an answer (reply, answer), claim work that is yours, and ack the rest. Messages that need nothing need no reply.";

/** Output of a hook, and how far it has brought the inbox to the model. */
export interface HookAnswer {
  answer: object;
  /** Messages up to here were shown. */
  shownUpTo?: number | undefined;
  /** Messages up to here were counted, without their text. */
  countedUpTo?: number | undefined;
}

/**
 * undefined when there is nothing to say. Context of a start and of a prompt reaches models above their user (Claude Code:
 * `system`, Codex: `developer`), so it holds the relay's own words alone.
 */
export function answerTo(harness: HookHarness, event: HookEvent, digest: Digest): HookAnswer | undefined {
  const { text, head, unread, ack, newest } = digest;
  if (event !== "session-start" && unread === 0) return undefined;
  const counted = [LEAD, head, ...(unread ? [ASK] : [])];
  if (event !== "stop") {
    const hookEventName = MANNERS[harness].events[event];
    return { answer: { hookSpecificOutput: { hookEventName, additionalContext: counted.join("\n") } } };
  }
  if (MANNERS[harness].stopIsUsers) return { answer: blocked([LEAD, text, WORK_ON]), shownUpTo: ack ?? undefined };
  return { answer: blocked([...counted, READ_ON]), countedUpTo: newest ?? undefined };
}

const blocked = (lines: string[]): object => ({ decision: "block", reason: lines.join("\n") });
