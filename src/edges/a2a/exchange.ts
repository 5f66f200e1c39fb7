import type { LogEntry } from "../../core/messages/entry.ts";
import type { Lists } from "../../core/messages/lists.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { Delegation } from "../../protocol/delegations.ts";

/** One message between asker and worker, as a task shows it. */
export interface TaskMessage {
  id: number;
  from: string;
  body: string;
  kind: string;
  replyTo: number | null;
  createdAt: string;
}

/** Most messages read of a task; of a longer exchange the newest. */
const MAX_READ = 500;

/** Messages between asker and worker about a delegation since the request, oldest first. */
export async function exchangeOf(on: ReadTx, lists: Lists, delegation: Delegation): Promise<TaskMessage[]> {
  const { threadId, messageId, id } = delegation;
  const { items } = await lists.find(
    on,
    null,
    { thread: threadId },
    { after: messageId, oldestFirst: false },
    MAX_READ,
  );
  const known = new Set([messageId]);
  const messages: TaskMessage[] = [];
  for (const { entry } of items.toReversed()) {
    if (!isBetween(delegation, entry)) continue;
    const message = JSON.parse(entry.json) as TaskMessage & { payload: Record<string, unknown> | null };
    if (!known.has(message.replyTo ?? 0) && message.payload?.delegationId !== id) continue;
    known.add(message.id);
    messages.push(message);
  }
  return messages;
}

/** Worker of a delegation: the target, or the member of a group that claimed the request. */
export const workerOf = ({ to, holder }: Delegation): string => holder ?? to;

function isBetween(delegation: Delegation, { from, target }: LogEntry): boolean {
  const worker = workerOf(delegation);
  return (from === delegation.from && target === worker) || (from === worker && target === delegation.from);
}

/** Tells whether a message is a question back: the worker goes on when it has an answer. */
export const isQuestion = (delegation: Delegation, { from, kind }: TaskMessage): boolean =>
  from === workerOf(delegation) && kind === "request";
