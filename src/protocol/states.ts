import type { Attention } from "./attention.ts";
import type { Run } from "./runs.ts";
import type { SessionChange } from "./sessions.ts";
import type { SessionTrack, TrackState } from "./tracks.ts";

/** Shapes of states. Circle: the agent's move; diamond: yours; triangle: broken; square: ended. */
export type StateGlyph =
  | ("working" | "idle" | "waits" | "limited" | "away" | "you" | "youasleep" | "stuck" | "dead")
  | ("ok" | "error" | "aborted" | "open");

/** A state as a shape and a word. */
export interface StateShown {
  glyph: StateGlyph;
  word: string;
}

/** Changes of state that are kept of one session. */
export const MAX_CHANGES = 240;

type Clock = (time: string) => string;
const shown = (glyph: StateGlyph, word: string): StateShown => ({ glyph, word });

/** State that a session shows on its track. */
export const trackState = ({ state, waits }: Pick<SessionChange, "state" | "waits">): TrackState =>
  state === "idle" && waits > 0 ? "waiting" : state;

/** @param clock writes a time as the clock of the reader shows it */
export function sessionState(
  session: Pick<SessionChange, "state" | "waits" | "reason" | "limitedUntil" | "since" | "pid">,
  clock: Clock,
): StateShown {
  const { reason, limitedUntil, since, pid } = session;
  const state = trackState(session);
  if (state === "working") return shown("working", "working");
  if (state === "starting") return shown("away", "starting");
  if (state === "asking")
    return pid === null ? shown("youasleep", "waits for you, asleep") : shown("you", "waits for you");
  if (state === "waiting") return shown("waits", "waits for its children");
  if (state === "limited") return shown("limited", limitedUntil ? `limited until ${clock(limitedUntil)}` : "limited");
  if (state === "away") return shown("away", `away since ${clock(since)}`);
  if (state === "stuck") return shown("stuck", "stuck");
  return state === "dead" ? shown("dead", reason ? `dead: ${reason}` : "dead") : shown("idle", "idle");
}

/** `asks`: it waits for an approval. */
export function runState({ status, outcome, errorCode }: Run, asks = false): StateShown {
  if (asks) return shown("you", "waits for you");
  if (status === "running") return shown("working", "working");
  if (status === "queued") return shown("open", "queued");
  if (status === "waiting") return shown("waits", "waits for its children");
  if (status === "stopping") return shown("working", "stopping");
  if (outcome === "ok") return shown("ok", "done");
  if (outcome === "aborted") return shown("aborted", "stopped");
  return shown("error", errorCode ? `failed (${errorCode})` : "failed");
}

/** Kinds of what waits for a person. */
export const NEEDS: Readonly<Record<Attention["kind"], StateShown>> = {
  approval: shown("you", "approval"),
  conflict: shown("you", "same place"),
  blocked: shown("error", "blocked result"),
  dead: shown("stuck", "dead letter"),
  stuck: shown("stuck", "stuck"),
  away: shown("away", "machine away"),
  loop: shown("stuck", "paused loop"),
  webhook: shown("error", "webhook"),
};

/** Words of a time that has passed; a session that has ended is in no state. */
const DURING: Partial<Record<TrackState, string>> = {
  ...{ working: "working", asking: "waited for you", waiting: "waited for its children", limited: "limited" },
  ...{ stuck: "stuck", away: "away", starting: "starting", idle: "idle" },
};

/** One state of a track, from one time to another, in ms. */
export interface Stretch {
  state: TrackState;
  from: number;
  to: number;
}

/** States of a track within a time, oldest first. */
export const stretchesOf = ({ states }: Pick<SessionTrack, "states">, from: number, to: number): Stretch[] =>
  states
    .map(({ state, since }, index) => ({
      state,
      from: Math.max(from, Date.parse(since)),
      to: Math.min(to, Date.parse(states[index + 1]?.since ?? new Date(to).toISOString())),
    }))
    .filter((stretch) => stretch.to > stretch.from);

/** `working 12 min, waited for you 3 min`: the longest first. */
export function stretchesText(stretches: readonly Stretch[]): string {
  const times = new Map<string, number>();
  for (const { state, from, to } of stretches) {
    const word = DURING[state];
    if (word) times.set(word, (times.get(word) ?? 0) + to - from);
  }
  const long = [...times].sort(([, one], [, other]) => other - one);
  return long
    .map(([word, ms]) => `${word} ${ms < 60_000 ? "under a minute" : `${Math.round(ms / 60_000)} min`}`)
    .join(", ");
}
