import { type Caller, signedBy } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { ParsedRenew } from "../../protocol/work.ts";
import type { Base } from "../base.ts";
import type { LogEntry } from "../messages/entry.ts";
import type { Quotas } from "../messages/quotas.ts";
import type { Sender } from "../messages/send.ts";
import type { WorkRow } from "./row.ts";

type Progress = NonNullable<ParsedRenew["progress"]>;

interface Title {
  subject: string;
  payload: Record<string, unknown>;
}

/** Progress reports of holders to the senders of their work. */
export function createProgress(base: Base, sender: Sender, quotas: Quotas) {
  const { hooks } = base.kernel;
  const { directory } = base.identity;
  const { messages: store, links: linkStore } = base.rows;
  /** Name of a progress report in the area that owns the work. */
  const title = hooks.question<[work: WorkRow], Title>("work.progressTitle");

  async function titleOf(on: ReadTx, work: WorkRow): Promise<Title> {
    const own = await title.first(on, work);
    return own ?? { subject: `Progress of work ${work.messageId}`, payload: { messageId: work.messageId } };
  }

  /** Whether a renewal repeats one whose answer was lost: its report is not sent twice. */
  async function isSaid(on: ReadTx, entry: LogEntry, work: WorkRow, { body, encoding }: Progress): Promise<boolean> {
    const last = linkStore
      .thread(on, entry.threadId)
      .find(({ fromId, workId }) => fromId === work.holder && workId === entry.id);
    if (last?.kind !== "control" || last.createdAt < (work.claimedAt ?? 0)) return false;
    const said = await store.content(on, last.id);
    return said?.body === body && said.opaque === (encoding === "opaque");
  }

  return {
    /** Subject and payload of a report, from the feature that owns the work. */
    title,

    /** Sends the holder's report to the sender of the work, unless that is gone. @throws Problem 429 */
    async tell(tx: Tx, caller: Caller, entry: LogEntry, work: WorkRow, said: Progress): Promise<void> {
      const { holder } = work;
      if (holder === null || (await isSaid(tx, entry, work, said))) return;
      const kind = directory.facts(tx, holder)?.kind ?? "provider";
      quotas.take(tx, { id: holder, kind }, "messages");
      const { subject, payload } = await titleOf(tx, work);
      await sender.post(
        tx,
        { id: holder, kind, ...signedBy(caller, holder) },
        {
          to: entry.from,
          kind: "control",
          subject,
          replyTo: entry.id,
          ...said,
          payload: { ...payload, progress: true },
        },
      );
    },
  };
}
