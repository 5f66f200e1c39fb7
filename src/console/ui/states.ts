import type { Agent } from "../../protocol/agents.ts";
import type { Run } from "../../protocol/runs.ts";
import type { SessionChange } from "../../protocol/sessions.ts";
import { runState as runShown, type StateShown, sessionState as sessionShown } from "../../protocol/states.ts";
import { visible } from "../../protocol/visible.ts";
import { type GlyphName, glyphColour } from "./glyph.tsx";

/** A state in words, with its shape and the class of its colour. */
export interface Shown {
  glyph: GlyphName;
  word: string;
  colour: string;
}

/** The colour of its glyph; of graphics, amber is too light for text. Words may end with a reason that an agent gave. */
const shown = ({ glyph, word }: StateShown): Shown => ({
  ...{ glyph, word: visible(word) },
  colour: glyph.startsWith("you") ? "text-amber" : glyphColour(glyph),
});

/** `14:05`, in the time zone of the browser. */
export const clockText = (time: string): string =>
  new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

/** `14:05:09`, with the date unless it is today, in the time zone of the browser. */
export function momentText(time: string): string {
  const at = new Date(time);
  return at.toDateString() === new Date().toDateString() ? at.toLocaleTimeString() : at.toLocaleString();
}

export const sessionState = (session: Parameters<typeof sessionShown>[0]): Shown =>
  shown(sessionShown(session, clockText));

/** `asks`: it waits for an approval. */
export const runState = (run: Run, asks?: boolean): Shown => shown(runShown(run, asks));

/** States of sessions that say more about their agent than its own, the most urgent first. */
const URGENT: readonly SessionChange["state"][] = ["asking", "stuck", "limited", "working", "starting"];

/** State of an agent: that of its most urgent session, where it has one. */
export function agentState(
  { status, ready, lastSeenAt }: Agent,
  sessions: readonly Parameters<typeof sessionShown>[0][] = [],
): Shown {
  const urgent = URGENT.flatMap((state) => sessions.find((session) => session.state === state) ?? [])[0];
  if (urgent && status !== "offline") return sessionState(urgent);
  if (status === "busy") return shown({ glyph: "working", word: "working" });
  if (status === "offline")
    return shown({ glyph: "away", word: lastSeenAt ? `away since ${clockText(lastSeenAt)}` : "away" });
  const waiting = sessions.find(({ waits }) => waits > 0);
  return waiting ? sessionState(waiting) : shown({ glyph: "idle", word: ready ? "idle" : "not ready" });
}
