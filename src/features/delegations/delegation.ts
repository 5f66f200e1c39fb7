import type { Core } from "../../core/core.ts";
import type { Content } from "../../core/messages/row.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { DelegationContext } from "../../protocol/delegation-context.ts";
import type { Delegation, DelegationAnswer } from "../../protocol/delegations.ts";
import { type Encoding, toTime, toTimeOrNull } from "../../protocol/wire.ts";
import { isHeld } from "./outcomes.ts";
import type { DelegationRow } from "./row.ts";

/** Members that the relay writes into the payloads of requests, and of questions about them. */
export const OF_REQUEST = ["delegationId", "depth", "context", "question", "delegation"];

/** Content of the messages of a delegation, as far as retention left them. */
export interface DelegationTexts {
  text: string | null;
  encoding: Encoding;
  context: DelegationContext | null;
  payload: Record<string, unknown> | null;
  answer?: { text: string | null; encoding: Encoding; payload: Record<string, unknown> | null } | undefined;
}

/** A delegation as it goes out, with its text and its answer read from their messages. */
export async function readDelegation(
  on: ReadTx,
  messages: Core["messages"]["rows"],
  row: DelegationRow,
): Promise<Delegation> {
  const request = await messages.content(on, row.messageId);
  const response = row.answerId === null ? undefined : await messages.content(on, row.answerId);
  const answer = { text: response?.body ?? null, encoding: encodingOf(response), payload: given(payloadOf(response)) };
  return toDelegation(row, {
    ...{ text: request?.body ?? null, encoding: encodingOf(request), context: contextOf(request), answer },
    payload: isHeld(row) ? (row.held?.payload ?? null) : givenToRequest(payloadOf(request)),
  });
}

/** A delegation as it goes out, from messages that are at hand. */
export function toDelegation(
  row: DelegationRow,
  { text, encoding, context, payload, answer }: DelegationTexts,
): Delegation {
  return {
    id: row.id,
    from: row.fromId,
    to: row.target,
    holder: row.holder,
    text,
    encoding,
    context,
    payload,
    depth: row.depth,
    rootId: row.rootId,
    parentId: row.parentId,
    threadId: row.threadId,
    messageId: row.messageId,
    approvalId: row.approvalId,
    status: row.status,
    answer: answer ? answerOf(row, answer) : null,
    late: row.late,
    queued: row.queued,
    deadlineAt: toTime(row.deadlineAt),
    createdAt: toTime(row.createdAt),
    endedAt: toTimeOrNull(row.endedAt),
  };
}

/** Context in the payload of a request; null where the payload has none. */
function contextOf(request: Content | undefined): DelegationContext | null {
  const said = payloadOf(request)?.context;
  return said ? (DelegationContext.safeParse(said).data ?? null) : null;
}

const encodingOf = (message: Content | undefined): Encoding => (message?.opaque ? "opaque" : "plain");

function answerOf(
  row: DelegationRow,
  { text, encoding, payload }: NonNullable<DelegationTexts["answer"]>,
): DelegationAnswer | null {
  if (row.answerId === null || row.answeredBy === null) return null;
  return {
    messageId: row.answerId,
    from: row.answeredBy,
    text,
    error: row.error,
    encoding,
    payload,
    at: toTime(row.answeredAt ?? 0),
  };
}

const payloadOf = (message: Content | undefined): Record<string, unknown> | null =>
  message?.payload ? JSON.parse(message.payload) : null;

/** Without what the relay put in. */
function given(payload: Record<string, unknown> | null): Record<string, unknown> | null {
  if (payload === null) return null;
  const { delegationId: _, delegation: __, ...rest } = payload;
  return Object.keys(rest).length ? rest : null;
}

/** Members of a request's payload that its asker gave. A command's are all the relay's. */
function givenToRequest(payload: Record<string, unknown> | null): Record<string, unknown> | null {
  if (payload === null || "command" in payload) return null;
  const rest = Object.entries(payload).filter(([name]) => !OF_REQUEST.includes(name));
  return rest.length ? Object.fromEntries(rest) : null;
}
