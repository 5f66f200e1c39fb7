import type { Areas } from "../../core/core.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import type { WorkRow } from "../../core/work/row.ts";
import { isGroup } from "../../identity/agents/target.ts";
import type { Tx } from "../../kernel/db/database.ts";
import { newId } from "../../kernel/ids.ts";
import type { Announcement } from "../../protocol/announcements.ts";
import type { DelegationChange } from "../../protocol/delegations.ts";
import type { MessageId } from "../../protocol/ids.ts";
import type { RunChange } from "../../protocol/runs.ts";
import type { SessionChange } from "../../protocol/sessions.ts";
import type { Task } from "../../protocol/tasks.ts";
import type { WebhookEventType, WebhookFilter } from "../../protocol/webhooks.ts";
import { toTime, toTimeOrNull } from "../../protocol/wire.ts";
import { DELIVER, MAX_PENDING } from "./deliver.ts";
import { NOTICE_TOPIC, type Notices } from "./notices.ts";
import type { WebhookRow, WebhookStore } from "./store.ts";

/** An event for webhooks. */
interface WebhookEvent<Type extends string = string> {
  type: Type;
  /** Message of the event: it goes to webhooks of its readers, if their filter fits. Without one, to the operator's alone. */
  messageId: number | null;
  /** Content; null stands for the message itself, as it was appended. */
  data: Record<string, unknown> | null;
}

type Progress = Pick<RunChange, "status" | "late">;

export type Emitter = ReturnType<typeof createEmitter>;

/** Queues each event for the webhooks that want it, in the write of the event. */
export function createEmitter({ kernel, core }: Areas, store: WebhookStore, notices: Notices) {
  const { clock, due } = kernel;
  const { access, rows: messages } = core.messages;

  async function wants(tx: Tx, { agentId, filter }: WebhookRow, row: MessageRow, isNew: boolean): Promise<boolean> {
    if (!fits(filter, row)) return false;
    if (agentId === "user") return true;
    // Only sender and recipient may read a new direct message: other agents need no access check.
    if (isNew && !isGroup(row.target)) return agentId === row.fromId || agentId === row.target;
    return access.mayRead(tx, agentId, row);
  }

  /** Queues a delivery, or counts it as dropped. */
  async function enqueue(tx: Tx, webhook: WebhookRow, event: WebhookEvent): Promise<string | undefined> {
    if (webhook.pending >= MAX_PENDING) {
      await store.change(tx, webhook, { dropped: webhook.dropped + 1, isFull: true });
      if (!webhook.isFull) await notices.full(tx, webhook);
      return undefined;
    }
    const id = newId("evt", clock.now());
    const data = event.data && JSON.stringify(event.data);
    await store.enqueue(tx, {
      ...{ id, webhookId: webhook.id, type: event.type, messageId: event.messageId, data, state: "pending" },
      ...{ attempts: 0, lastStatus: null, lastError: null, createdAt: clock.now(), nextAt: clock.now(), endedAt: null },
    });
    await due.hurry(tx, DELIVER, webhook.id, Math.max(clock.now(), webhook.notBefore));
    return id;
  }

  function emit(tx: Tx, event: WebhookEvent<WebhookEventType>): Promise<void> | undefined {
    const found = store.subscribers(tx, event.type);
    return found.length === 0 ? undefined : emitTo(tx, event, found);
  }

  async function emitTo(tx: Tx, event: WebhookEvent<WebhookEventType>, found: WebhookRow[]): Promise<void> {
    const row = event.messageId === null ? undefined : await messages.byId(tx, event.messageId);
    // A notice about a webhook goes through none: each would cause the next.
    if (row?.fromId === "system" && row.topic === NOTICE_TOPIC) return;
    for (const webhook of found)
      if (row ? await wants(tx, webhook, row, event.data === null) : isForAll(webhook))
        await enqueue(tx, webhook, event);
  }

  return {
    enqueue,

    created: (tx: Tx, row: MessageRow): Promise<void> | undefined =>
      emit(tx, { type: "message.created", messageId: row.id, data: null }),

    workMoved(tx: Tx, work: WorkRow, before: WorkRow): Promise<void> | undefined {
      if (!isNews(work, before) || store.subscribers(tx, TYPE_OF[work.state]).length === 0) return undefined;
      const { messageId, state, attempts, error } = work;
      const data = {
        ...{ messageId, to: work.target, kind: work.kind, topic: work.topic || null, state, attempts, error },
        agentId: work.holder ?? before.holder,
        leaseUntil: work.state === "claimed" ? toTimeOrNull(work.dueAt) : null,
        at: toTime(clock.now()),
      };
      return emit(tx, { type: TYPE_OF[work.state], messageId, data });
    },

    async taskChanged(tx: Tx, { body: _, ...data }: Task): Promise<void> {
      await emit(tx, { type: "task.changed", messageId: data.messageId, data });
    },

    async delegationChanged(tx: Tx, change: DelegationChange): Promise<void> {
      await emit(tx, { type: "delegation.changed", messageId: change.messageId, data: { ...change } });
    },

    /** A run was made, or its status changed; an ended one changes once more when its result comes late. */
    async runChanged(tx: Tx, change: RunChange, _: unknown, before: Progress | undefined): Promise<void> {
      if (before && before.status === change.status && before.late === change.late) return;
      await emit(tx, { type: "run.changed", messageId: change.messageId, data: { ...change } });
    },

    /** A session was reported, or what it shows has changed: for webhooks of `user` without a filter. */
    async sessionChanged(tx: Tx, change: SessionChange): Promise<void> {
      await emit(tx, { type: "session.changed", messageId: null, data: { ...change } });
    },

    /** An announcement was made, or its state changed: for readers of its message, else of the one that its run works on. */
    async announcementChanged(tx: Tx, said: Announcement, messageId: MessageId | null): Promise<void> {
      await emit(tx, { type: "announcement.changed", messageId, data: { ...said } });
    },
  };
}

/** False for a renewal, and for held work that opens for the first time or is held again. */
function isNews(work: WorkRow, before: WorkRow): boolean {
  if (work.state === before.state && work.fence === before.fence) return false;
  if (before.state === "delayed" && work.state === "open" && work.fence === 0) return false;
  return !(before.state === "open" && work.state === "delayed");
}

const TYPE_OF = {
  claimed: "work.claimed",
  open: "work.reopened",
  delayed: "work.reopened",
  done: "work.done",
  dead: "work.dead",
  expired: "work.expired",
  cancelled: "work.cancelled",
} as const;

/** Tells whether the webhook gets events without a message. */
const isForAll = ({ agentId, filter }: WebhookRow): boolean => agentId === "user" && Object.keys(filter).length === 0;

function fits(filter: WebhookFilter, row: MessageRow): boolean {
  const { from, to, topic, kind } = filter;
  return (
    (from === undefined || row.fromId === from) &&
    (to === undefined || row.target === to) &&
    (topic === undefined || row.topic === topic) &&
    (kind === undefined || row.kind === kind)
  );
}
