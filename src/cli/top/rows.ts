import type { Client } from "../../client/client.ts";
import type { Approval } from "../../protocol/approvals.ts";
import type { Attention } from "../../protocol/attention.ts";
import type { Run } from "../../protocol/runs.ts";
import { NEEDS, runState, type StateGlyph, type StateShown, sessionState } from "../../protocol/states.ts";
import type { SessionTrack } from "../../protocol/tracks.ts";
import type { Colour } from "../output.ts";
import { trackLines } from "../track.ts";

/** One row of the screen, with the act that a key does on it. */
export interface Row {
  /** The same at each look. */
  key: string;
  glyph: string;
  colour: Colour | undefined;
  /** State, in words. */
  word: string;
  what: string;
  /** Cause, place or names behind it. */
  why: string;
  /** Time that its age counts from. */
  since: string | null;
  item: { need: Attention; approval?: Approval } | { session: SessionTrack; hour: string[] } | { run: Run };
}

/** All that the screen shows, as it was at one time. */
export interface Look {
  needs: Row[];
  fleet: Row[];
  runs: Row[];
  /** More of something than is read. */
  more: boolean;
  /** Time of the look, in milliseconds since 1970. */
  at: number;
}

const MOST = 100;

/** Reads what needs a person, the live sessions, and the runs that are not over. */
export async function look(client: Client, now: () => number): Promise<Look> {
  const live = (status: Run["status"]) => client.runs.list({ status, limit: MOST });
  const [needs, pending, sessions, ...runLists] = await Promise.all([
    client.attention.list(),
    client.approvals.list({ state: "pending", limit: MOST }),
    client.sessions.states({ live: "true", limit: MOST }),
    live("running"),
    live("waiting"),
    live("queued"),
  ]);
  const at = now();
  const approvals = new Map(pending.items.map((approval) => [approval.id, approval]));
  return {
    needs: needs.items.slice(0, MOST).map((need) => needRow(need, approvals.get(need.subject.approvalId ?? ""))),
    fleet: sessions.items.map((one) => sessionRow(one, at)),
    runs: runLists.flatMap(({ items }) => items).map(runRow),
    more: needs.more || [sessions, ...runLists].some(({ nextPage }) => nextPage !== null),
    at,
  };
}

/** Glyphs of the console, as characters with their colours. */
const GLYPHS: Record<StateGlyph, [glyph: string, colour: Colour | undefined]> = {
  working: ["●", undefined],
  idle: ["○", "dim"],
  open: ["○", "dim"],
  waits: ["◐", "cyan"],
  limited: ["◷", "cyan"],
  away: ["◌", "dim"],
  you: ["◆", "yellow"],
  youasleep: ["◇", "yellow"],
  stuck: ["▲", "red"],
  dead: ["△", "red"],
  ok: ["■", "green"],
  error: ["■", "red"],
  aborted: ["□", "dim"],
};

/** A state as the beginning of a row. */
function stateOf({ glyph, word }: StateShown): Pick<Row, "glyph" | "colour" | "word"> {
  const [sign, colour] = GLYPHS[glyph];
  return { glyph: sign, colour, word };
}

function needRow(need: Attention, approval?: Approval): Row {
  const { id, kind, subject, reason, count, holdsUp, since, takenBy } = need;
  const { word, ...shape } = stateOf(NEEDS[kind]);
  const behind = holdsUp.length > 0 ? `holds up ${holdsUp.join(", ")}` : "";
  const taken = takenBy === null ? "" : `${takenBy} has it`;
  return {
    ...{ key: `need ${id}`, ...shape, word: count > 1 ? `${word} ×${count}` : word, since },
    what: [subject.agentId ?? subject.orchestratorId, subject.title].filter(Boolean).join(": "),
    why: [reason, behind, taken].filter(Boolean).join(" · "),
    item: { need, ...(approval && { approval }) },
  };
}

const clockText = (time: string): string => new Date(time).toLocaleTimeString("en-GB").slice(0, 5);

function sessionRow(session: SessionTrack, now: number): Row {
  const { id, state, agentId, name, project, reason, since } = session;
  return {
    ...{ key: `session ${id}`, ...stateOf(sessionState(session, clockText)), since },
    what: [agentId, name].filter(Boolean).join(": "),
    why: [project, state === "idle" || state === "working" ? null : reason].filter(Boolean).join(" · "),
    item: { session, hour: trackLines(session, now) },
  };
}

function runRow(run: Run): Row {
  const { id, agentId, task, label, project, usage, createdAt } = run;
  return {
    ...{ key: `run ${id}`, ...stateOf(runState(run)), since: createdAt },
    what: `${agentId}: ${label ?? task}`,
    why: [project, usage.costUsd > 0 ? `$${usage.costUsd.toFixed(2)}` : null].filter(Boolean).join(" · "),
    item: { run },
  };
}
