import { z } from "zod";
import type { Sender } from "../../core/messages/send.ts";
import type { Claims, Worked } from "../../core/work/claims.ts";
import type { Leases } from "../../core/work/leases.ts";
import type { WorkStore } from "../../core/work/store.ts";
import type { AgentService } from "../../identity/agents/service.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Db, Tx } from "../../kernel/db/database.ts";
import type { Due } from "../../kernel/due/due.ts";
import type { DueRow } from "../../kernel/due/store.ts";
import { withoutAddresses } from "../../kernel/egress/addresses.ts";
import { type Egress, type EgressAnswer, EgressError } from "../../kernel/egress/egress.ts";
import { FAILURES } from "../../protocol/limits.ts";
import type { Entry } from "../../protocol/messages.ts";
import { PlatformId } from "../../protocol/posts.ts";
import { Problem } from "../../protocol/problem.ts";
import { toTime } from "../../protocol/wire.ts";
import type { Fail } from "../../protocol/work.ts";
import { signed } from "../webhooks/signing.ts";
import type { WebhookRow, WebhookStore } from "./store-webhook.ts";
import { asChannel, PROVIDER, type Webhook } from "./webhook.ts";

export interface WebhookPostParts {
  db: Pick<Db, "read" | "write">;
  agents: AgentService;
  sender: Sender;
  claims: Claims;
  leases: Leases;
  works: WorkStore;
  hooks: WebhookStore;
  webhook: Webhook;
  egress: Egress;
  due: Due;
  clock: Clock;
}

/** The due row of a channel that has something to post: one for each, so that a slow one holds up nobody else. */
const POST = "channel.post";
const AT_ONCE = 4;
const TIMEOUT_MS = 15_000;
const LEASE_SECONDS = 120;
const MAX_MS = 60_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const FIRST_WAIT_SECONDS = 5;
const MAX_WAIT_SECONDS = 3600;

/** What became of one request. */
type Outcome = { externalIds?: string[] } | Omit<Fail, "token">;

/** What a receiver may answer with. */
const Accepted = z.object({ externalIds: z.array(PlatformId).max(100).optional() });

/**
 * Posts for channels that the relay itself runs, through the same claims as any adapter. A request may be made twice (after a
 * crash, or when its answer was lost): its `webhook-id` is the message's key, the same each time.
 */
export function createWebhookPosts(parts: WebhookPostParts): void {
  const { db, agents, sender, claims, leases, works, hooks, webhook, egress, due, clock } = parts;

  due.outside(POST, MAX_MS, post);
  sender.onAppended(async (tx, row, work) => {
    if (work?.state === "open") await wake(tx, row.target);
  });
  leases.onMoved(async (tx, work) => {
    if (work.state === "open") await wake(tx, work.target);
  });
  // It may have been made ready, or been given an address.
  agents.onRegistered(async (tx, _caller, agent) => wake(tx, agent.id));

  async function wake(tx: Tx, target: string): Promise<void> {
    if (target.startsWith(`${PROVIDER}:`)) await due.hurry(tx, POST, target, clock.now());
  }

  async function post(row: DueRow, signal: AbortSignal): Promise<(tx: Tx) => Promise<number | null>> {
    const id = row.key;
    const caller = asChannel(id, `due_${row.id}`);
    const hook = await db.read((on) => hooks.byId(on, id));
    const url = hook?.url;
    if (!hook || !url) return async () => null;
    const items = await db.write((tx) => claim(tx, id));
    const done = await Promise.all(
      items.map(async (item) => ({ item, outcome: await attempt({ ...hook, url }, item, signal) })),
    );
    return async (tx) => {
      for (const { item, outcome } of done) await settle(tx, item, outcome);
      const isMore = items.length > 0 && (await works.openFor(tx, id, 1)).length > 0;
      return isMore ? clock.now() : null;
    };

    /** None when it is gone or not ready. */
    async function claim(tx: Tx, agentId: string): Promise<Worked[]> {
      const facts = await agents.factsOf(tx, agentId);
      if (!facts || facts.deletedAt !== null) return [];
      return claims.claimNext(tx, caller, agentId, { max: AT_ONCE, leaseSeconds: LEASE_SECONDS });
    }

    async function settle(tx: Tx, { work, lease }: Worked, outcome: Outcome): Promise<void> {
      const token = lease?.token ?? "";
      try {
        if ("error" in outcome) await claims.fail(tx, caller, work.messageId, { token, ...outcome });
        else await claims.complete(tx, caller, work.messageId, { token, ...outcome });
      } catch (error) {
        // Taken back or expired meanwhile.
        if (!(error instanceof Problem)) throw error;
      }
    }
  }

  async function attempt(hook: WebhookRow & { url: string }, item: Worked, signal: AbortSignal): Promise<Outcome> {
    const entry: Entry = JSON.parse(item.entry.json);
    const body = JSON.stringify({ type: "channel.message", timestamp: entry.createdAt, data: dataOf(entry) });
    const key = String(entry.payload?.idempotencyKey ?? `msg_${entry.id}`);
    const wait = Math.min(FIRST_WAIT_SECONDS * 4 ** ((item.lease?.attempt ?? 1) - 1), MAX_WAIT_SECONDS);
    try {
      const answer = await egress.request({
        ...{ url: hook.url, method: "POST", body, signal },
        headers: {
          "content-type": "application/json",
          ...signed(key, clock.now(), body, [webhook.secretOf(hook)]),
        },
        ...{ timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES, overflow: "cut" },
      });
      return outcomeOf(answer, wait);
    } catch (error) {
      if (!(error instanceof EgressError)) throw error;
      const failure = error.code === "refused" ? "permanent" : "transient";
      // Senders read it, and the address is its operator's choice.
      return { error: withoutAddresses(error.message, ""), failure, code: error.code, retryAfterSeconds: wait };
    }
  }

  function outcomeOf({ status, headers, body }: EgressAnswer, wait: number): Outcome {
    if (status >= 200 && status < 300) return { externalIds: externalIdsIn(body) };
    const mayWorkLater = status >= 500 || [408, 425, 429].includes(status);
    const asked = Number(headers["retry-after"]);
    return {
      error: `The address answered ${status} at ${toTime(clock.now())}.`,
      failure: mayWorkLater ? FAILURES[0] : FAILURES[1],
      code: `http-${status}`,
      retryAfterSeconds: Number.isInteger(asked) && asked > 0 ? Math.min(asked, MAX_WAIT_SECONDS) : wait,
    };
  }
}

/** Body for the receiver, the same as for an adapter. The receiver may have the key to encrypted content. */
const dataOf = ({ id, from, encoding, body, payload }: Entry): Record<string, unknown> => ({
  ...{ messageId: id, from, ...payload },
  ...(encoding === "opaque" && { encoding, body }),
});

function externalIdsIn(body: Uint8Array): string[] {
  try {
    return Accepted.parse(JSON.parse(Buffer.from(body).toString("utf8"))).externalIds ?? [];
  } catch {
    return [];
  }
}
