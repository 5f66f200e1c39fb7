import type { Reading } from "../db/database.ts";
import type { MessageRow, MessageStore } from "../messages/store.ts";
import { toTime, toTimeOrNull } from "../wire.ts";
import { type Delegation, type DelegationAnswer, DelegationContext } from "./schema.ts";
import type { DelegationRow } from "./store.ts";

/** A delegation as it goes out: its text and its answer are in their messages. */
export async function show(on: Reading, messages: MessageStore, row: DelegationRow): Promise<Delegation> {
  const request = await messages.byId(on, row.messageId);
  const response = row.answerId === null ? undefined : await messages.byId(on, row.answerId);
  return {
    id: row.id,
    from: row.fromId,
    to: row.target,
    holder: row.holder,
    text: request?.body ?? null,
    context: DelegationContext.nullable()
      .catch(null)
      .parse(payloadOf(request)?.context ?? null),
    depth: row.depth,
    rootId: row.rootId,
    parentId: row.parentId,
    threadId: row.threadId,
    messageId: row.messageId,
    status: row.status,
    answer: answerOf(row, response),
    late: row.late,
    queued: row.queued,
    deadlineAt: toTime(row.deadlineAt),
    createdAt: toTime(row.createdAt),
    endedAt: toTimeOrNull(row.endedAt),
  };
}

function answerOf(row: DelegationRow, response: MessageRow | undefined): DelegationAnswer | null {
  if (row.answerId === null || row.answeredBy === null) return null;
  return {
    messageId: row.answerId,
    from: row.answeredBy,
    text: response?.body ?? null,
    error: row.error,
    payload: given(payloadOf(response)),
    at: toTime(row.answeredAt ?? 0),
  };
}

const payloadOf = (message: MessageRow | undefined): Record<string, unknown> | null =>
  message?.payload ? JSON.parse(message.payload) : null;

/** Without what the relay put in. */
function given(payload: Record<string, unknown> | null): Record<string, unknown> | null {
  if (payload === null) return null;
  const { delegationId: _, delegation: __, ...rest } = payload;
  return Object.keys(rest).length ? rest : null;
}
