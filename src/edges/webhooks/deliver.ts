import type { Areas } from "../../core/core.ts";
import { toLogEntry } from "../../core/messages/entry.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { OutsideWork } from "../../kernel/due/due.ts";
import { EgressError } from "../../kernel/egress/egress.ts";
import { backoffMs, isAccepted, post, retryAfterMs } from "../../kernel/egress/post.ts";
import { toTime } from "../../protocol/wire.ts";
import type { Notices } from "./notices.ts";
import { secretOf, signed } from "./signing.ts";
import type { DeliveryRow, WebhookRow, WebhookStore } from "./store.ts";

/** Due row of a webhook with pending deliveries. Each webhook has its own, so that a slow receiver delays no other. */
export const DELIVER = "webhook.deliver";
/** Most pending deliveries of one webhook; further events are dropped, counted, and told. */
export const MAX_PENDING = 10_000;

const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;
const DAY_MS = 24 * HOUR_MS;
/** Waits between the attempts of one delivery: over 27 hours in all. */
const WAITS_MS = [5 * SECOND_MS, 300 * SECOND_MS, HOUR_MS / 2, 2 * HOUR_MS, 5 * HOUR_MS, 10 * HOUR_MS, 10 * HOUR_MS];
const TIMEOUT_MS = 15 * SECOND_MS;
/** Deliveries of one batch, and how many run at once. An address that just failed gets one. */
const BATCH = 8;
const AT_ONCE = 4;
/** Longest time of a batch. */
const MAX_MS = (BATCH / AT_ONCE + 2) * TIMEOUT_MS;
/** Failures in a row after which an address gets a rest: from 5 s, doubled, to 15 min. */
const REST_AFTER = 3;
const MAX_REST_MS = 900 * SECOND_MS;
/** Time of failures without a single success that disables a webhook. */
const GIVE_UP_MS = DAY_MS;

/** Result of one attempt. */
interface Attempt {
  delivery: DeliveryRow;
  status: number | null;
  error: string | null;
  retryAfterMs: number;
}

/** Sends due deliveries with retries for a day, and tells the owner when it gives up. */
export function createDeliverer({ kernel, identity, core }: Areas, store: WebhookStore, notices: Notices) {
  const { db, egress, clock, hooks, key } = kernel;
  const { activity } = identity;
  const { rows: messages } = core.messages;
  /** A delivery was attempted. */
  const tried = hooks.event<[outcome: "delivered" | "failed" | "dead"]>("webhooks.tried");

  /** Brings deliveries forward after the clock was set back: none waits for the old time. */
  async function resume(tx: Tx, now: number, jumpedMs: number): Promise<void> {
    if (jumpedMs < 0) await store.hurryAll(tx, now);
  }

  const work: OutsideWork = async (row, signal) => {
    const webhookId = row.key;
    const { webhook, batch } = await db.read((on) => read(on, webhookId));
    const attempts: Attempt[] = [];
    for (let i = 0; webhook && i < batch.length; i += AT_ONCE)
      attempts.push(...(await Promise.all(batch.slice(i, i + AT_ONCE).map((one) => attempt(webhook, one, signal)))));
    return (tx) => settle(tx, webhookId, attempts);
  };

  async function read(on: ReadTx, id: string): Promise<{ webhook?: WebhookRow; batch: DueDelivery[] }> {
    const webhook = await store.byId(on, id);
    if (webhook?.status !== "active" || webhook.notBefore > clock.now()) return { batch: [] };
    const next = await store.next(on, id, webhook.failures === 0 ? BATCH : 1);
    const batch: DueDelivery[] = [];
    for (const delivery of next)
      if ((delivery.nextAt ?? 0) <= clock.now()) batch.push({ delivery, body: await bodyOf(on, delivery) });
    return { webhook, batch };
  }

  /** @returns undefined when retention deleted the message */
  async function bodyOf(on: ReadTx, { type, data, messageId, createdAt }: DeliveryRow): Promise<string | undefined> {
    const row = data === null && messageId !== null ? await messages.byId(on, messageId) : undefined;
    const content = data ?? (row && toLogEntry(row).json);
    return content === undefined
      ? undefined
      : `{"type":"${type}","timestamp":"${toTime(createdAt)}","data":${content}}`;
  }

  async function attempt(webhook: WebhookRow, { delivery, body }: DueDelivery, signal: AbortSignal): Promise<Attempt> {
    const failed = { delivery, status: null, retryAfterMs: 0 };
    if (body === undefined) return { ...failed, error: GONE };
    const headers = signed(delivery.id, clock.now(), body, secretsOf(webhook));
    const answer = await post(egress, { url: webhook.url, body, headers, signal, timeoutMs: TIMEOUT_MS });
    if (answer instanceof EgressError) return { ...failed, error: answer.message };
    const { status } = answer;
    return {
      delivery,
      status,
      error: isAccepted(answer) ? null : `answered ${status}`,
      retryAfterMs: retryAfterMs(answer),
    };
  }

  function secretsOf({ id, secretVersion, previousUntil }: WebhookRow): string[] {
    const versions =
      previousUntil !== null && previousUntil > clock.now() ? [secretVersion, secretVersion - 1] : [secretVersion];
    return versions.map((version) => secretOf(key, id, version));
  }

  /** Records the attempts. @returns the time of the next delivery */
  async function settle(tx: Tx, id: string, attempts: readonly Attempt[]): Promise<number | null> {
    for (const made of attempts) await note(tx, id, made);
    const webhook = await store.byId(tx, id);
    if (webhook?.status !== "active") return null;
    const [next] = await store.next(tx, id, 1);
    return next ? Math.max(next.nextAt ?? 0, webhook.notBefore) : null;
  }

  async function note(tx: Tx, id: string, made: Attempt): Promise<void> {
    const webhook = await store.byId(tx, id);
    const delivery = await store.delivery(tx, made.delivery.id);
    if (!webhook || delivery?.state !== "pending") return;
    const tally = { attempts: delivery.attempts + 1, lastStatus: made.status, lastError: made.error };
    if (made.error === null) {
      await store.changeDelivery(tx, delivery.id, { ...tally, state: "delivered", nextAt: null, endedAt: clock.now() });
      await store.change(tx, webhook, { ...oneLess(webhook), failures: 0, failingSince: null, notBefore: 0 });
      return tried.raise(tx, "delivered");
    }
    if (made.error === GONE) return bury(tx, webhook, { ...delivery, ...tally }, made.error);
    const failing = await store.change(tx, webhook, restOf(webhook, made.retryAfterMs));
    await store.changeDelivery(tx, delivery.id, tally);
    if (made.status === 410) return disable(tx, failing, "It answered 410: the address is gone for good.");
    if (clock.now() - (failing.failingSince ?? 0) >= GIVE_UP_MS && failing.failures > REST_AFTER)
      return disable(tx, failing, `It has failed for a day, the last time because: ${made.error}.`);
    const wait = WAITS_MS[delivery.attempts];
    if (wait === undefined) return bury(tx, failing, { ...delivery, ...tally }, made.error);
    await store.changeDelivery(tx, delivery.id, { ...tally, nextAt: clock.now() + Math.max(wait, made.retryAfterMs) });
    await tried.raise(tx, "failed");
  }

  function restOf({ failures, failingSince }: WebhookRow, retryAfterMs: number): Partial<WebhookRow> {
    const beyond = failures + 1 - REST_AFTER;
    const rest = beyond < 0 ? 0 : backoffMs(beyond, 5 * SECOND_MS, MAX_REST_MS);
    const notBefore = clock.now() + Math.max(rest, retryAfterMs);
    return { failures: failures + 1, failingSince: failingSince ?? clock.now(), notBefore };
  }

  async function bury(tx: Tx, webhook: WebhookRow, delivery: DeliveryRow, error: string): Promise<void> {
    const { attempts, lastStatus } = delivery;
    const ended = { state: "dead" as const, nextAt: null, endedAt: clock.now() };
    await store.changeDelivery(tx, delivery.id, { ...ended, attempts, lastStatus, lastError: error });
    const left = await store.change(tx, webhook, oneLess(webhook));
    await notices.dead(tx, left, delivery.id, error);
    await tried.raise(tx, "dead");
  }

  /** Disables the webhook and tells its owner and the operator. Pending deliveries become dead letters. */
  async function disable(tx: Tx, webhook: WebhookRow, reason: string): Promise<void> {
    const dead = webhook.pending;
    await store.buryAll(tx, webhook.id, clock.now(), reason);
    const off = await store.change(tx, webhook, { status: "disabled", reason, pending: 0, isFull: false });
    await activity.record(tx, { tokenId: "system" }, "webhook.disabled", webhook.id, { reason });
    await notices.disabled(tx, off, reason, dead);
    await tried.raise(tx, "dead");
  }

  return { tried, resume, dueOutside: { [DELIVER]: { maxMs: MAX_MS, work } } };
}

interface DueDelivery {
  delivery: DeliveryRow;
  body: string | undefined;
}

const GONE = "retention took the message before it was delivered";

/** One delivery fewer is pending. A queue that is half empty again counts as one with room. */
const oneLess = ({ pending, isFull }: WebhookRow): Partial<WebhookRow> => ({
  pending: Math.max(0, pending - 1),
  isFull: isFull && pending > MAX_PENDING / 2,
});
