import type { Tx } from "../../kernel/db/database.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Base } from "../base.ts";
import type { Sent } from "./draft.ts";
import { toLogEntry } from "./entry.ts";

/** Answers a draft whose idempotency key was used before. */
export function createReplays(base: Base) {
  const { messages: store, work: works } = base.rows;
  /** The same key and content give the same answer, even after changes. */
  return async function replayed(tx: Tx, from: string, draft: ParsedDraft): Promise<Sent | undefined> {
    if (!draft.idempotencyKey) return undefined;
    const planned = await base.rows.delayed.byKey(tx, from, draft.idempotencyKey);
    const row = planned ? undefined : await store.byKey(tx, from, draft.idempotencyKey);
    const found = planned ?? row;
    if (!found) return undefined;
    if (found.fingerprint !== fingerprint(draft)) Problem.keyReused(draft.idempotencyKey);
    if (planned) return { kind: "scheduled", scheduleId: planned.id, deliverAt: planned.deliverAt, replayed: true };
    if (!row) return undefined;
    const work = row.claimable ? await works.byId(tx, row.id) : undefined;
    return { kind: "sent", entry: toLogEntry(row), work, matched: row.matched, replayed: true };
  };
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
