import type { MessageRow } from "../../core/messages/row.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Fact } from "../../protocol/explain.ts";
import { toTime } from "../../protocol/wire.ts";
import type { RunRow } from "./row.ts";
import type { RunStore } from "./store.ts";

/** Runs of a message, and turns of each, that its story tells. */
const MAX_RUNS = 20;
const MAX_TURNS = 20;

/** Runs in the story of the message that they work on. */
export function createRunFacts(store: RunStore) {
  async function ofRun(on: ReadTx, run: RunRow): Promise<Fact[]> {
    const { id: runId, agentId } = run;
    const facts: Fact[] = [{ at: toTime(run.createdAt), step: "run", runId, agentId, state: "made", cause: run.cause }];
    for (const turn of await store.turnsOf(on, runId, MAX_TURNS)) {
      const told = { step: "run" as const, runId, agentId, turnId: turn.id };
      if (turn.startedAt !== null) facts.push({ at: toTime(turn.startedAt), ...told, state: "began" });
      if (turn.endedAt === null) continue;
      facts.push({ at: toTime(turn.endedAt), ...told, state: "turn ended", outcome: turn.outcome, late: turn.late });
    }
    if (run.endedAt !== null) {
      const { outcome, errorCode } = run;
      facts.push({ at: toTime(run.endedAt), step: "run", runId, agentId, state: "ended", outcome, errorCode });
    }
    return facts;
  }

  return async function facts(on: ReadTx, { id }: MessageRow): Promise<Fact[]> {
    const told: Fact[] = [];
    for (const run of await store.allOfMessage(on, id, MAX_RUNS)) told.push(...(await ofRun(on, run)));
    return told;
  };
}
