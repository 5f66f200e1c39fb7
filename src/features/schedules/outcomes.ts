import type { Areas } from "../../core/core.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import { isGroup } from "../../identity/agents/target.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { SentByFire } from "../../protocol/schedules.ts";

/** Members of a group whose acknowledgements are counted, and ranges looked through for an offer. */
const MAX_MEMBERS = 2000;
const MAX_RANGES = 40;

export type Outcomes = ReturnType<typeof createOutcomes>;

/** Outcomes of the messages that schedules sent. */
export function createOutcomes({ kernel, identity, core }: Areas) {
  const { clock } = kernel;
  const { directory } = identity;
  const { messages } = core;
  const { rows: works } = core.work;
  const { deliveries } = core.inbox;
  async function stateOfTalk(on: ReadTx, row: MessageRow, acknowledged: number): Promise<SentByFire["state"]> {
    if (row.matched > 0 && acknowledged >= row.matched) return "acknowledged";
    if (row.expiresAt !== null && row.expiresAt <= clock.now()) return "expired";
    if (acknowledged > 0) return "offered";
    const ranges = isGroup(row.target) ? [] : await deliveries.beyond(on, row.target, row.id - 1, MAX_RANGES);
    // Its reader named it as a cause: the relay has not handed it over by that.
    const handed = ranges.filter(({ transport }) => transport !== "named");
    return handed.some(({ afterId, upToId }) => afterId < row.id && row.id <= upToId) ? "offered" : "waiting";
  }

  return {
    /** Outcome of a message; `gone` when retention took it. */
    async of(on: ReadTx, id: number): Promise<SentByFire> {
      const row = await messages.rows.byId(on, id);
      if (!row) return { id, to: null, state: "gone", holder: null, error: null, matched: 0, acknowledged: 0 };
      const past = await directory.membersPast(on, row.target, id, MAX_MEMBERS);
      const acknowledged = past.filter(
        ({ agentId, sinceId, untilId }) =>
          sinceId < id && (untilId === null || untilId >= id) && (agentId !== row.fromId || row.target === agentId),
      ).length;
      const work = row.claimable ? await works.byId(on, id) : undefined;
      return {
        ...{ id, to: row.target, matched: row.matched, acknowledged },
        state: work?.state ?? (await stateOfTalk(on, row, acknowledged)),
        holder: work?.holder ?? null,
        error: work?.error ?? null,
      };
    },
  };
}
