import { createHash } from "node:crypto";
import type { Areas } from "../../core/core.ts";
import { endOfQuiet, isQuiet } from "../../identity/people/quiet.ts";
import { DAY_MS } from "../../kernel/clock.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { OutsideWork } from "../../kernel/due/due.ts";
import { EgressError } from "../../kernel/egress/egress.ts";
import { isAccepted, post, retryAfterMs } from "../../kernel/egress/post.ts";
import type { Seal } from "../../kernel/seal.ts";
import type { PushPayload } from "../../protocol/push.ts";
import type { NoteRow, PushStore, SubscriptionRow } from "./store.ts";
import type { Subjects } from "./subjects.ts";
import { authorization, type keyPairOf } from "./vapid.ts";

/** Due row of a device with notes. Each device has its own, so that a slow push service delays no other. */
export const SEND = "push.send";

const SECOND_MS = 1000;
/** Waits between the tries of one push. */
const WAITS_MS = [5 * SECOND_MS, 60 * SECOND_MS, 300 * SECOND_MS, 1800 * SECOND_MS, 7200 * SECOND_MS] as const;
const TIMEOUT_MS = 15 * SECOND_MS;
const BATCH = 8;
const MAX_MS = (BATCH + 1) * TIMEOUT_MS;
/** Time between two looks at a device that somebody looks at: as long as it counts as looked at afterwards. */
const LOOK_AGAIN_MS = 15 * SECOND_MS;
/** Time of failures without a success after which a device is given up. */
const GIVE_UP_MS = 7 * DAY_MS;
/** Sent notes that are looked through for those that are over. */
const MAX_CLOSED = 20;
/** Statuses of a subscription that is over (RFC 8030, sections 5 and 7.3). */
const GONE = new Set([404, 410]);
/** Statuses of a push that no other try will bring through. */
const HOPELESS = new Set([400, 413]);

interface Parts {
  store: PushStore;
  subjects: Subjects;
  seal: Seal;
  keyPair: ReturnType<typeof keyPairOf>;
  /** Time until which a person's device counts as looked at. */
  lookedAtUntil(personId: string | null, device: string): number;
  subject: string;
}

/** Steps to take with one note. */
type Step =
  | { note: NoteRow; do: "drop" }
  | { note: NoteRow; do: "wait"; until: number }
  | { note: NoteRow; do: "send"; payload: PushPayload };

/** Result of a try; a status of 0 is no answer. */
interface Tried {
  status: number;
  isTaken: boolean;
  retryAfterMs: number;
}

/** Sends pushes when they are due, unless the person looks at the device, sleeps, or knows already. */
export function createPushDeliverer({ kernel, identity }: Areas, parts: Parts) {
  const { db, egress, clock } = kernel;
  const { store, subjects } = parts;

  const work: OutsideWork = async (row, signal) => {
    const { device, steps, closed } = await db.read((on) => plan(on, row.key));
    if (!device) return async () => null;
    const tried = new Map<NoteRow, Tried>();
    let over = closed;
    for (const step of steps) {
      if (step.do !== "send") continue;
      const payload = over.length > 0 ? { ...step.payload, closed: over.map(({ tag }) => tag) } : step.payload;
      const result = await send(device, step.note, payload, signal);
      tried.set(step.note, result);
      if (!result.isTaken) break;
      over = [];
    }
    return (tx) => settle(tx, device, { steps, tried, closed: over.length > 0 ? [] : closed });
  };

  /** Reads what to do with each note that is due. */
  async function plan(on: ReadTx, id: string) {
    const device = await store.byId(on, id);
    const now = clock.now();
    const due = device ? (await store.pending(on, id, BATCH)).filter(({ nextAt }) => (nextAt ?? 0) <= now) : [];
    const closed: NoteRow[] = [];
    if (!device || due.length === 0) return { device, steps: [], closed };
    const until = await silentUntil(on, device, now);
    const steps: Step[] = [];
    for (const note of due) {
      if (await subjects.isOver(on, device, note, now)) steps.push({ note, do: "drop" });
      else if (until > now) steps.push({ note, do: "wait", until });
      else steps.push({ note, do: "send", payload: await payloadOf(on, device, note) });
    }
    for (const note of await store.sent(on, id, MAX_CLOSED))
      if (await subjects.isOver(on, device, note, now)) closed.push(note);
    return { device, steps, closed };
  }

  /** Time until which the device gets nothing: its person sleeps, or looks at it. */
  async function silentUntil(on: ReadTx, { personId, device }: SubscriptionRow, now: number): Promise<number> {
    const hours = (await identity.people.live(on, personId))?.quietHours ?? null;
    if (hours && isQuiet(hours, now)) return Math.max(endOfQuiet(hours, now), now + LOOK_AGAIN_MS);
    return Math.min(parts.lookedAtUntil(personId, device), now + LOOK_AGAIN_MS);
  }

  async function payloadOf(on: ReadTx, { previews }: SubscriptionRow, note: NoteRow): Promise<PushPayload> {
    const { kind, agentId: agent, path, tag } = note;
    const text = previews ? await subjects.previewOf(on, note) : undefined;
    return { kind, agent, path, tag, ...(text !== undefined && { text }) };
  }

  async function send(to: SubscriptionRow, note: NoteRow, payload: PushPayload, signal: AbortSignal): Promise<Tried> {
    const keys = parts.seal.tryOpen(to.keys, to.id);
    // Sealed with the key of another relay: its pushes are not ours to send.
    if (keys === undefined) return { status: 410, isTaken: false, retryAfterMs: 0 };
    // Loaded on demand: most relays send no push.
    const { encryptNotification } = await import("@block65/webcrypto-web-push");
    const target = { endpoint: to.endpoint, expirationTime: null, keys: JSON.parse(keys) };
    const body = await encryptNotification(target, new TextEncoder().encode(JSON.stringify(payload)));
    const headers = {
      authorization: authorization(await parts.keyPair(), to.endpoint, parts.subject, clock.now()),
      "content-encoding": "aes128gcm",
      "content-type": "application/octet-stream",
      ttl: String(Math.max(0, Math.floor((note.expiresAt - clock.now()) / SECOND_MS))),
      urgency: note.kind === "approval" ? "high" : "normal",
      // A push service keeps the newest of a topic for a device that is off.
      topic: createHash("sha256").update(note.tag).digest("base64url").slice(0, 32),
    };
    const answer = await post(egress, { url: to.endpoint, body, headers, signal, timeoutMs: TIMEOUT_MS });
    if (answer instanceof EgressError) return { status: 0, isTaken: false, retryAfterMs: 0 };
    return { status: answer.status, isTaken: isAccepted(answer), retryAfterMs: retryAfterMs(answer) };
  }

  interface Done {
    steps: readonly Step[];
    tried: ReadonlyMap<NoteRow, Tried>;
    closed: readonly NoteRow[];
  }

  /** Records what was done. @returns the time of the next push */
  async function settle(tx: Tx, { id }: SubscriptionRow, { steps, tried, closed }: Done): Promise<number | null> {
    const device = await store.byId(tx, id);
    if (!device) return null;
    for (const note of closed) if (await isSame(tx, note)) await store.removeNote(tx, note);
    let restUntil = 0;
    for (const step of steps) {
      if (!(await isSame(tx, step.note))) continue;
      const result = tried.get(step.note);
      if (result && !(await record(tx, device, step.note, result))) return null;
      if (result && !result.isTaken) restUntil = clock.now() + Math.max(WAITS_MS[0], result.retryAfterMs);
      if (step.do === "wait") await store.putNote(tx, { ...step.note, nextAt: step.until });
      if (step.do === "drop") await drop(tx, step.note);
    }
    const [next] = await store.pending(tx, id, 1);
    return next?.nextAt == null ? null : Math.max(next.nextAt, restUntil);
  }

  /** Whether a note is as it was read: a newer one may have taken its place since. */
  async function isSame(on: ReadTx, note: NoteRow): Promise<boolean> {
    const now = await store.note(on, note);
    return now?.createdAt === note.createdAt && now.nextAt === note.nextAt;
  }

  /** Records a try. Answers false when the device is no more. */
  async function record(tx: Tx, device: SubscriptionRow, note: NoteRow, result: Tried): Promise<boolean> {
    const now = clock.now();
    if (result.isTaken) {
      await store.putNote(tx, { ...note, nextAt: null, sentAt: now });
      await store.change(tx, device.id, { lastSentAt: now, failingSince: null });
      return true;
    }
    const failingSince = device.failingSince ?? now;
    if (GONE.has(result.status) || now - failingSince >= GIVE_UP_MS) {
      await store.remove(tx, device.id);
      const reason = GONE.has(result.status) ? `its push service answered ${result.status}` : "it failed for a week";
      await identity.activity.record(tx, { tokenId: "system" }, "push.ended", device.id, { reason });
      return false;
    }
    await store.change(tx, device.id, { failingSince });
    const wait = HOPELESS.has(result.status) ? undefined : WAITS_MS[note.attempts];
    if (wait === undefined) await drop(tx, note);
    else {
      const nextAt = now + Math.max(wait, result.retryAfterMs);
      await store.putNote(tx, { ...note, attempts: note.attempts + 1, nextAt });
    }
    return true;
  }

  /** Sends it no more. One that the device may still show is kept, to be closed with the next. */
  const drop = (tx: Tx, note: NoteRow): Promise<void> =>
    note.sentAt === null ? store.removeNote(tx, note) : store.putNote(tx, { ...note, nextAt: null });

  return { dueOutside: { [SEND]: { maxMs: MAX_MS, work } } };
}
