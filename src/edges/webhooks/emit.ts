import type { Access } from "../../core/messages/access.ts";
import type { MessageRow, MessageStore } from "../../core/messages/store.ts";
import type { WorkRow } from "../../core/work/store.ts";
import { isGroup } from "../../identity/agents/target.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { Due } from "../../kernel/due/due.ts";
import { newId } from "../../kernel/ids.ts";
import type { WebhookEventType, WebhookFilter } from "../../protocol/webhooks.ts";
import { toTime, toTimeOrNull } from "../../protocol/wire.ts";
import { DELIVER, MAX_PENDING } from "./deliver.ts";
import { NOTICE_TOPIC, type Notices } from "./notices.ts";
import type { WebhookRow, WebhookStore } from "./store.ts";

/** Something that happened, for those who asked to be told. */
export interface WebhookEvent {
  type: WebhookEventType;
  /** The message it is about: who may read that one is told, if their filter fits it. Without one only the operator is. */
  messageId: number | null;
  /** What is told; null: the message itself, as it was appended. */
  data: Record<string, unknown> | null;
}

export interface EmitParts {
  store: WebhookStore;
  messages: MessageStore;
  access: Access;
  notices: Notices;
  due: Due;
  clock: Clock;
}

export type Emitter = ReturnType<typeof createEmitter>;

/** Writes down, in the write in which something happens, to which webhooks it has to be told. */
export function createEmitter({ store, messages, access, notices, due, clock }: EmitParts) {
  async function wants(tx: Tx, { agentId, filter }: WebhookRow, row: MessageRow, isNew: boolean): Promise<boolean> {
    if (!fits(filter, row)) return false;
    if (agentId === "user") return true;
    // Of a direct message that was just made these two alone are told: most need not be asked about.
    if (isNew && !isGroup(row.target)) return agentId === row.fromId || agentId === row.target;
    return access.mayRead(tx, agentId, row);
  }

  /** One more delivery, or one more that was dropped. */
  async function enqueue(tx: Tx, webhook: WebhookRow, event: Queued): Promise<string | undefined> {
    if (webhook.pending >= MAX_PENDING) {
      await store.change(tx, webhook, { dropped: webhook.dropped + 1, isFull: true });
      if (!webhook.isFull) await notices.full(tx, webhook);
      return undefined;
    }
    const id = newId("evt", clock.now());
    await store.enqueue(tx, {
      id,
      webhookId: webhook.id,
      type: event.type,
      messageId: event.messageId,
      data: event.data === null ? null : JSON.stringify(event.data),
      state: "pending",
      attempts: 0,
      lastStatus: null,
      lastError: null,
      createdAt: clock.now(),
      nextAt: clock.now(),
      endedAt: null,
    });
    await due.hurry(tx, DELIVER, webhook.id, Math.max(clock.now(), webhook.notBefore));
    return id;
  }

  return {
    enqueue,

    /** Tells of it everybody who asked and may know. */
    async emit(tx: Tx, event: WebhookEvent): Promise<void> {
      const found = await store.subscribers(tx, event.type);
      if (found.length === 0) return;
      const row = event.messageId === null ? undefined : await messages.byId(tx, event.messageId);
      // What is said about webhooks goes through none: that could go on for ever.
      if (row?.fromId === "system" && row.topic === NOTICE_TOPIC) return;
      for (const webhook of found)
        if (row ? await wants(tx, webhook, row, event.data === null) : isForAll(webhook))
          await enqueue(tx, webhook, event);
    },

    /** What became of a piece of work. A renewal is nothing new. */
    async workMoved(tx: Tx, work: WorkRow, before: WorkRow): Promise<void> {
      const type = TYPE_OF[work.state];
      if (work.state === before.state && work.fence === before.fence) return;
      // Held from the beginning, it is open for the first time.
      if (before.state === "delayed" && work.state === "open" && work.fence === 0) return;
      // Held back again, before anybody claimed it.
      if (before.state === "open" && work.state === "delayed") return;
      const { messageId, state, attempts, error } = work;
      const data = {
        ...{ messageId, to: work.target, kind: work.kind, topic: work.topic || null, state, attempts, error },
        agentId: work.holder ?? before.holder,
        leaseUntil: work.state === "claimed" ? toTimeOrNull(work.dueAt) : null,
        at: toTime(clock.now()),
      };
      await this.emit(tx, { type, messageId, data });
    },
  };
}

/** An event in the queue of one webhook. A test is about no message. */
interface Queued {
  type: string;
  messageId: number | null;
  data: Record<string, unknown> | null;
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

/** Whether it is told of what no message says who may know. */
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
