import { stretchesOf, stretchesText } from "../protocol/states.ts";
import type { SessionTrack, TrackState } from "../protocol/tracks.ts";

const MINUTE_MS = 60_000;
const MINUTES = 60;

/** Stretches of a track as characters. An idle session leaves the line. */
const SIGNS: Partial<Record<TrackState, string>> = {
  ...{ working: "█", asking: "▞", waiting: "▭", limited: "┊", stuck: "▓", away: "╌", starting: "╌" },
};

export const SIGNS_TEXT =
  "█ working, ▞ waited for you, ▭ waited for runs that it asked for, ┊ limited, ▓ stuck, ╌ away or starting, ─ idle or not there";

/** Last hour of a session: a character a minute, and in words. @param now in ms */
export function trackLines(track: SessionTrack, now: number): [signs: string, words: string] {
  const begin = now - MINUTES * MINUTE_MS;
  const stretches = stretchesOf(track, begin, now);
  const signs = Array.from({ length: MINUTES }, (_, minute) => {
    const middle = begin + (minute + 0.5) * MINUTE_MS;
    const state = stretches.find(({ from, to }) => from <= middle && middle < to)?.state;
    return SIGNS[state ?? "idle"] ?? "─";
  });
  return [`${signs.join("")} now`, `Last hour: ${stretchesText(stretches)}`];
}
