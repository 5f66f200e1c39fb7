import type { Areas } from "../../core/core.ts";
import type { InTurn } from "../../core/messages/explain.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import { createPauses } from "../../kernel/breathe.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { Fact } from "../../protocol/explain.ts";
import type { EventData } from "../../protocol/run-events.ts";
import { toTime } from "../../protocol/wire.ts";
import type { RunRow } from "./row.ts";
import type { InputStore } from "./store-inputs.ts";

/** Messages of one batch of events that are noted. */
const MAX_INPUTS = 2000;

export type Inputs = ReturnType<typeof createInputs>;

/** Messages that went into a model turn: the last step of their story. */
export function createInputs({ kernel, core }: Areas, store: InputStore) {
  const { clock } = kernel;
  const { access, rows: messages } = core.messages;

  return {
    /** Notes those that the run's agent may read; a message is noted once for each run. */
    async note(tx: Tx, { id, agentId, turnId }: RunRow, inputs: readonly EventData<"input">[]): Promise<void> {
      const started = inputs.flatMap(({ messageIds, state }) => (state === "started" ? messageIds : []));
      const noted: number[] = [];
      const pause = createPauses();
      for (const messageId of new Set(started.slice(0, MAX_INPUTS))) {
        const message = await messages.lineage(tx, messageId);
        if (message && (await access.mayRead(tx, agentId, message))) {
          await store.add(tx, { messageId, agentId, runId: id, turnId, at: clock.now() });
          noted.push(messageId);
        }
        await pause();
      }
      if (noted.length > 0) tx.afterCommit(() => core.inbox.notes.inTurn(noted));
    },

    /** Agents into whose turns a message went, earliest first. */
    inTurns: (on: ReadTx, messageId: number): Promise<InTurn[]> => store.ofMessage(on, messageId),
    async facts(on: ReadTx, { id }: MessageRow): Promise<Fact[]> {
      return (await store.ofMessage(on, id)).map(({ at, agentId, runId, turnId }) => ({
        ...{ at: toTime(at), step: "in-turn" as const, agentId, runId, turnId },
      }));
    },
  };
}
