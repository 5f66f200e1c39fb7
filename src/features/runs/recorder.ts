import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { Problem } from "../../protocol/problem.ts";
import type { EventsAppended, RunEvent } from "../../protocol/run-events.ts";
import { beginRecord, type Recorded, record, type TimedPart, takeNew } from "./append.ts";
import { type PartLog, toPartEntry } from "./part-log.ts";
import type { RecordingRow, RunRow, TurnRow } from "./row.ts";
import type { PartStore } from "./store-parts.ts";
import { endTurn, startOf, type TurnEnd } from "./transform.ts";
import { freshTurn, type Part, type TurnState } from "./turn-state.ts";

type RunId = Pick<RunRow, "id">;
type TurnId = Pick<TurnRow, "id">;

/** Outcome of a batch of events, beside what it answers. */
export interface Appended extends Pick<Recorded, "usage" | "inputs" | "lifecycle" | "error"> {
  answer: EventsAppended;
  /** New events among the batch. */
  taken: number;
}

/** Something said to a run. */
interface Saying {
  id?: string | undefined;
  text: string;
  files?: readonly string[] | undefined;
}

/** Parts stored, and published, without a turn of the event loop in between. */
const SLICE = 200;
/** Parts read at once, from the end of a turn, to find its last text. */
const LOOK_BACK = 100;
const MAX_LOOKS = 200;

export type Recorder = ReturnType<typeof createRecorder>;

/** Writes the log of runs: every event becomes finished parts in the write that appends it, and is published after its commit. */
export function createRecorder({ clock, disk }: Pick<Kernel, "clock" | "disk">, log: PartLog, store: PartStore) {
  async function open(on: ReadTx, runId: string, turnId: string): Promise<{ row: RecordingRow; state: TurnState }> {
    const row = await store.recording(on, runId);
    const isSame = row?.turnId === turnId;
    const state: TurnState = isSame ? JSON.parse(row.state) : freshTurn();
    return { row: { runId, turnId, bytes: row?.bytes ?? 0, state: "" }, state };
  }

  async function keep(tx: Tx, row: RecordingRow, state: TurnState, parts: readonly TimedPart[]): Promise<void> {
    await append(tx, row, parts);
    await store.saveRecording(tx, { ...row, state: JSON.stringify(state) });
  }

  async function append(
    tx: Tx,
    { runId, turnId }: Pick<RecordingRow, "runId" | "turnId">,
    parts: readonly TimedPart[],
  ): Promise<void> {
    const pause = createPauses();
    for (let from = 0; from < parts.length; from += SLICE) {
      const some = parts.slice(from, from + SLICE);
      const stored = await store.append(
        tx,
        some.map(({ at, part }) => ({ runId, turnId, at, json: JSON.stringify(part) })),
      );
      tx.afterCommit(() => log.publish(stored.map(toPartEntry)));
      await pause();
    }
  }

  const now = (parts: readonly Part[]) => parts.map((part) => ({ at: clock.now(), part }));

  return {
    /** Begins the recording of a turn that its runner took. */
    async begin(tx: Tx, run: RunId, turn: TurnId): Promise<void> {
      const { row, state } = await open(tx, run.id, turn.id);
      if (state.begun || state.over) return;
      await keep(tx, row, { ...state, begun: true }, now(startOf(turn.id)));
    },

    /** Records something said to a run, under the turn that hears it. */
    async said(tx: Tx, run: RunId, turnId: string, { id, text, files }: Saying): Promise<void> {
      const data = { ...(id === undefined ? {} : { id }), text, ...(files?.length ? { files } : {}) };
      const part = { type: "data-user-message", ...(id === undefined ? {} : { id }), data };
      // It opens and closes nothing: the state of the open turn stays, also where it is another one.
      await append(tx, { runId: run.id, turnId }, now([part]));
    },

    /** Records a part of the relay's own under the running turn. */
    note: (tx: Tx, { id: runId, turnId }: Pick<RunRow, "id" | "turnId">, part: Part): Promise<void> =>
      append(tx, { runId, turnId }, now([part])),

    /** Ends the recording of a turn, once: a turn that never began begins with it. */
    async end(tx: Tx, run: RunId, turn: TurnId, end: TurnEnd): Promise<void> {
      const { row, state } = await open(tx, run.id, turn.id);
      if (state.over) return;
      const start = state.begun ? [] : startOf(turn.id);
      const ended = endTurn(state, end);
      await keep(tx, row, ended.state, now([...start, ...ended.parts]));
    },

    /**
     * Appends events of a running turn: new ones by source and number, up to the first gap. The caller has checked the fence.
     * @throws Problem 409, 422, 503 when the disk is nearly full
     */
    async append(tx: Tx, run: RunId, turnId: string, events: readonly RunEvent[]): Promise<Appended> {
      const { row, state } = await open(tx, run.id, turnId);
      if (state.over || events.some((event) => event.turnId !== undefined && event.turnId !== turnId))
        throw new Problem("claim-lost", `The turn of ${run.id} that these events belong to has ended.`);
      const { events: fresh, moved, next, missing } = takeNew(await store.sources(tx, run.id), events);
      const made = beginRecord(state, row.bytes);
      const pause = createPauses();
      for (const event of fresh) {
        record(made, event, clock.now());
        await pause();
      }
      disk.checkRoom(made.bytes - row.bytes, "batches of events");
      if (fresh.length > 0) await keep(tx, { ...row, bytes: made.bytes }, made.state, made.parts);
      for (const [source, expected] of moved) await store.saveSource(tx, run.id, source, expected);
      const { usage, inputs, lifecycle, error } = made;
      return {
        answer: { next, ...(missing ? { missing } : {}) },
        taken: fresh.length,
        usage,
        inputs,
        lifecycle,
        error,
      };
    },

    /** Whether the running turn is making its context smaller. */
    async isCompacting(on: ReadTx, { id, turnId }: Pick<RunRow, "id" | "turnId">): Promise<boolean> {
      return (await open(on, id, turnId)).state.compacting === true;
    },

    /** Last visible assistant text of a turn: after its last tool. `null`: it has said nothing. */
    async lastText(on: ReadTx, run: RunId, turnId: string): Promise<string | null> {
      const texts: string[] = [];
      let last = "";
      // The output of a tool may come in the middle of a text.
      let isInText = false;
      let place = Number.MAX_SAFE_INTEGER;
      for (let looks = 0; looks < MAX_LOOKS; looks++) {
        const rows = await store.before(on, run.id, place, LOOK_BACK);
        for (const row of rows) {
          place = row.place;
          if (row.turnId !== turnId) return joined(texts);
          const part = JSON.parse(row.json) as Part;
          if (part.type === "text-delta")
            texts.unshift(part.id === last ? (part.delta as string) : `${part.delta}\n\n`);
          if (part.type === "text-delta") last = part.id as string;
          if (part.type === "text-delta" || part.type === "text-start") isInText = part.type === "text-delta";
          if (part.type.startsWith("tool-") && texts.length > 0 && !isInText) return joined(texts);
        }
        if (rows.length < LOOK_BACK) break;
      }
      return joined(texts);
    },
  };
}

const joined = (texts: readonly string[]): string | null => texts.join("").trimEnd() || null;
