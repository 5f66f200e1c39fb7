import type { Agent } from "../../protocol/agents.ts";
import type { Run } from "../../protocol/runs.ts";
import type { Session } from "../../protocol/sessions.ts";
import type { GlyphName } from "./glyph.tsx";

/** A state in words, with its shape and the class of its colour. */
export interface Shown {
  glyph: GlyphName;
  word: string;
  colour: string;
}

const shown = (glyph: GlyphName, word: string, colour: string): Shown => ({ glyph, word, colour });

/** `14:05`, in the time zone of the browser. */
export const clockText = (time: string): string =>
  new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

export function sessionState({ state, reason, limitedUntil, lastEventAt, pid }: Session): Shown {
  switch (state) {
    case "working":
      return shown("working", "working", "text-ink2");
    case "starting":
      return shown("away", "starting", "text-grey");
    case "asking":
      return pid === null
        ? shown("youasleep", "waits for you, asleep", "text-amber")
        : shown("you", "waits for you", "text-amber");
    case "limited":
      return shown("limited", limitedUntil ? `limited until ${clockText(limitedUntil)}` : "limited", "text-violet");
    case "away":
      return shown("away", lastEventAt ? `away since ${clockText(lastEventAt)}` : "away", "text-grey");
    case "stuck":
      return shown("stuck", "stuck", "text-red");
    case "dead":
      return shown("dead", reason ? `dead: ${reason}` : "dead", "text-red");
    default:
      return shown("idle", "idle", "text-ink3");
  }
}

export function agentState({ status, ready, lastSeenAt }: Agent): Shown {
  if (status === "busy") return shown("working", "working", "text-ink2");
  if (status === "offline")
    return shown("away", lastSeenAt ? `away since ${clockText(lastSeenAt)}` : "away", "text-grey");
  return shown("idle", ready ? "idle" : "not ready", "text-ink3");
}

export function runState({ status, outcome, errorCode }: Run): Shown {
  if (status === "running") return shown("working", "working", "text-ink2");
  if (status === "queued") return shown("open", "queued", "text-ink3");
  if (status === "waiting") return shown("waits", "waits for its children", "text-violet");
  if (status === "stopping") return shown("working", "stopping", "text-ink2");
  if (outcome === "ok") return shown("ok", "done", "text-green");
  if (outcome === "aborted") return shown("aborted", "stopped", "text-grey");
  return shown("error", errorCode ? `failed (${errorCode})` : "failed", "text-red");
}
