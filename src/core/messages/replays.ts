import type { Tx } from "../../kernel/db/database.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Base } from "../base.ts";
import type { Sent } from "./draft.ts";
import { toLogEntry } from "./entry.ts";
import type { MessageRow } from "./row.ts";

/** Answers a draft whose idempotency key was used before. */
export function createReplays(base: Base) {
  const { messages: store, work: works } = base.rows;
  /** The same key and content give the same answer, even after changes. */
  return function replayed(tx: Tx, from: string, draft: ParsedDraft): Promise<Sent> | undefined {
    const key = draft.idempotencyKey;
    if (!key) return undefined;
    const planned = base.rows.delayed.byKey(tx, from, key);
    const row = planned ? undefined : store.byKey(tx, from, key);
    const found = planned ?? row;
    if (found && found.fingerprint !== fingerprint(draft)) Problem.keyReused(key);
    if (planned) {
      const { id: scheduleId, deliverAt } = planned;
      return Promise.resolve({ kind: "scheduled", scheduleId, deliverAt, replayed: true });
    }
    return row && sentBefore(tx, row);
  };

  async function sentBefore(tx: Tx, row: MessageRow): Promise<Sent> {
    const work = row.claimable ? await works.byId(tx, row.id) : undefined;
    return { kind: "sent", entry: toLogEntry(row), work, matched: row.matched, replayed: true };
  }
}

/**
 * Hash of the request, excluding its scope (key and sender). `null` and missing hash alike, but for `causedBy`. Members are named one by
 * one, and the type wants all of them: going through the entries costs a send 2 µs.
 */
export function fingerprint(draft: ParsedDraft): string {
  const content: Record<Exclude<keyof ParsedDraft, "idempotencyKey" | "from">, unknown> = {
    to: draft.to,
    kind: draft.kind,
    topic: draft.topic ?? undefined,
    subject: draft.subject ?? undefined,
    body: draft.body,
    replyTo: draft.replyTo ?? undefined,
    // null: the sender says that no message caused it. Omitted: the relay finds the cause.
    causedBy: draft.causedBy,
    claimable: draft.claimable,
    urgent: draft.urgent,
    maxAttempts: draft.maxAttempts,
    expiresAt: draft.expiresAt ?? undefined,
    deliverAt: draft.deliverAt ?? undefined,
    encoding: draft.encoding,
    payload: draft.payload ?? undefined,
    meta: draft.meta ?? undefined,
  };
  return Bun.hash(JSON.stringify(content)).toString(36);
}
