import type { Areas } from "../../core/core.ts";
import type { Sweep } from "../../core/retention/sweeps.ts";
import { type Caller, type Principal, readsAll } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { newId } from "../../kernel/ids.ts";
import type { Seal } from "../../kernel/seal.ts";
import { Problem } from "../../protocol/problem.ts";
import type { ParsedPushDraft, PushSubscription } from "../../protocol/push.ts";
import { type List, toTime, toTimeOrNull } from "../../protocol/wire.ts";
import { SEND } from "./deliver.ts";
import type { PushStore, SubscriptionRow } from "./store.ts";
import { checkKeys } from "./vapid.ts";

/** Devices of one person; of all tokens without a person together, too. */
const MAX_OF_PERSON = 20;
/** Hosts that a browser reaches without TLS: a push service for tests. */
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

export type PushService = ReturnType<typeof createPushService>;

/** Verbs of push subscriptions. */
export function createPushService({ kernel, identity }: Areas, { store, seal }: { store: PushStore; seal: Seal }) {
  const { clock, due, egress } = kernel;
  const { activity } = identity;

  /** @throws Problem 403 */
  function requirePerson(caller: Caller): void {
    if (!readsAll(caller))
      throw new Problem("forbidden", "Only people are told by push: operators, members and viewers.");
  }

  async function erase(tx: Tx, id: string): Promise<void> {
    await store.remove(tx, id);
    await due.cancel(tx, SEND, id);
  }

  /** @throws Problem 422 */
  function checkEndpoint(endpoint: string): void {
    egress.requireAllowed(endpoint, "/endpoint");
    const { protocol, hostname } = new URL(endpoint);
    if (protocol !== "https:" && !LOOPBACK.test(hostname))
      throw Problem.invalid("/endpoint", "has to begin with https://");
  }

  /** The row that a new one takes the place of: of the same endpoint, or else of the same device. Others like it go. */
  async function replaced(tx: Tx, { personId }: Caller, { endpoint, device }: ParsedPushDraft) {
    const own = await store.of(tx, personId);
    const same = await store.byEndpoint(tx, endpoint);
    const named = own.filter((row) => row.device === device && row.id !== same?.id);
    const [first, ...others] = same ? [same, ...named] : named;
    for (const { id } of others) await erase(tx, id);
    if (!first && own.length >= MAX_OF_PERSON)
      throw new Problem("conflict", `Limit reached: ${MAX_OF_PERSON} devices of one person. End one first.`);
    // A browser that another person signed in to is that person's from now on.
    if (first && first.personId !== personId) await erase(tx, first.id);
    return first?.personId === personId ? first : undefined;
  }

  /** Ends the devices of a token or a sign-in that has ended. A weaker one still reads, and so is told. */
  async function dropToken(tx: Tx, tokenId: string, _why: string, left: Principal | null): Promise<void> {
    if (left !== null) return;
    for (const { id } of await store.ofToken(tx, tokenId)) await erase(tx, id);
  }

  const old: Sweep = {
    ...{ name: "push notes", keepMs: 0, limit: 500 },
    sweep: (tx, { before, limit }) => store.thin(tx, before, limit),
  };

  return {
    dropToken,
    sweeps: [old],

    /** Brings pushes forward after the clock was set back: none waits for the old time. */
    async resume(tx: Tx, now: number, jumpedMs: number): Promise<void> {
      if (jumpedMs >= 0 || !store.any(tx)) return;
      await store.hurryAll(tx, now);
      for (const { id } of await store.all(tx, 10_000)) await due.hurry(tx, SEND, id, now);
    },

    requirePerson,

    /** `POST /v1/push/subscriptions`. @throws Problem 403, 409, 422 */
    async add(tx: Tx, caller: Caller, draft: ParsedPushDraft): Promise<{ row: PushSubscription; created: boolean }> {
      requirePerson(caller);
      checkEndpoint(draft.endpoint);
      checkKeys(draft.keys);
      const before = await replaced(tx, caller, draft);
      const { personId, tokenId, role } = caller;
      const { endpoint, device, previews } = draft;
      const id = before?.id ?? newId("psh", clock.now());
      const row: SubscriptionRow = {
        ...{ id, personId, tokenId, role, endpoint, device, previews },
        keys: seal.close(JSON.stringify(draft.keys), id),
        ...{ failingSince: null, lastSentAt: before?.lastSentAt ?? null, createdAt: before?.createdAt ?? clock.now() },
      };
      await store.put(tx, row);
      if (!before) await activity.record(tx, caller, "push.created", id, { device, service: serviceOf(row) });
      return { row: wire(caller, row), created: !before };
    },

    /** `GET /v1/push/subscriptions`. @throws Problem 403 */
    async list(on: ReadTx, caller: Caller): Promise<List<PushSubscription>> {
      requirePerson(caller);
      const items = (await store.of(on, caller.personId)).map((row) => wire(caller, row));
      return { items, nextPage: null };
    },

    /** `DELETE /v1/push/subscriptions/{id}`. @throws Problem 403, 404 */
    async remove(tx: Tx, caller: Caller, id: string): Promise<void> {
      requirePerson(caller);
      const row = await store.byId(tx, id);
      if (row?.personId !== caller.personId) Problem.missing("push subscription", id);
      await erase(tx, id);
      await activity.record(tx, caller, "push.deleted", id, {});
    },
  };
}

const serviceOf = ({ endpoint }: SubscriptionRow): string => new URL(endpoint).host;

function wire({ tokenId }: Caller, row: SubscriptionRow): PushSubscription {
  const { id, device, previews, failingSince, lastSentAt, createdAt } = row;
  return {
    ...{ id, device, previews, service: serviceOf(row), own: row.tokenId === tokenId },
    failingSince: toTimeOrNull(failingSince),
    lastSentAt: toTimeOrNull(lastSentAt),
    createdAt: toTime(createdAt),
  };
}
