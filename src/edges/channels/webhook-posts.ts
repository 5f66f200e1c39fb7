import { z } from "zod";
import type { Areas } from "../../core/core.ts";
import type { MessageRow } from "../../core/messages/row.ts";
import type { WorkItem } from "../../core/work/items.ts";
import type { WorkRow } from "../../core/work/row.ts";
import type { AgentRow } from "../../identity/agents/row.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { OutsideWork } from "../../kernel/due/due.ts";
import { withoutAddresses } from "../../kernel/egress/addresses.ts";
import { type EgressAnswer, EgressError } from "../../kernel/egress/egress.ts";
import { isAccepted, post, retryAfterMs } from "../../kernel/egress/post.ts";
import { FAILURES } from "../../protocol/limits.ts";
import type { Entry } from "../../protocol/messages.ts";
import { PlatformId } from "../../protocol/posts.ts";
import { Problem } from "../../protocol/problem.ts";
import { toTime } from "../../protocol/wire.ts";
import type { Fail } from "../../protocol/work.ts";
import { signed } from "../webhooks/signing.ts";
import type { WebhookRow } from "./store-webhook.ts";
import type { Stores } from "./stores.ts";
import { asChannel, PROVIDER, type Webhook } from "./webhook.ts";

/** Due row of a channel with open posts. Each channel has its own, so that a slow receiver delays no other. */
const POST = "channel.post";
const AT_ONCE = 4;
const TIMEOUT_MS = 15_000;
const LEASE_SECONDS = 120;
const MAX_MS = 60_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const FIRST_WAIT_SECONDS = 5;
const MAX_WAIT_SECONDS = 3600;

/** Result of one request. */
type Outcome = { externalIds?: string[] } | Omit<Fail, "token">;

/** The part of a receiver's answer that is read. */
const ReceiverAnswer = z.object({ externalIds: z.array(PlatformId).max(100).optional() });

/**
 * Posts for channels that the relay itself runs, through the same claims as any adapter. A request may be repeated after a crash
 * or a lost answer, with the same `webhook-id`: the message's key.
 */
export function createWebhookPosts({ kernel, identity, core }: Areas, { webhooks }: Stores, webhook: Webhook) {
  const { db, egress, due, clock } = kernel;
  const { directory } = identity;
  const { claims, holders, rows: works } = core.work;

  function wakeForPost(tx: Tx, row: MessageRow, work: WorkRow | undefined): Promise<void> | undefined {
    return work?.state === "open" ? wake(tx, row.target) : undefined;
  }

  function wakeForWork(tx: Tx, work: WorkRow): Promise<void> | undefined {
    return work.state === "open" ? wake(tx, work.target) : undefined;
  }

  /** The channel may be ready now, or have an address. */
  async function wakeForAgent(tx: Tx, _: Caller, agent: AgentRow): Promise<void> {
    await wake(tx, agent.id);
  }

  function wake(tx: Tx, target: string): Promise<void> | undefined {
    return target.startsWith(`${PROVIDER}:`) ? due.hurry(tx, POST, target, clock.now()) : undefined;
  }

  const postAll: OutsideWork = async (row, signal) => {
    const id = row.key;
    const caller = asChannel(id, `due_${row.id}`);
    const hook = await db.read((on) => webhooks.byId(on, id));
    const url = hook?.url;
    if (!hook || !url) return async () => null;
    const items = await db.write((tx) => claim(tx, caller, id));
    const done = await Promise.all(
      items.map(async (item) => ({ item, outcome: await attempt({ ...hook, url }, item, signal) })),
    );
    return async (tx) => {
      for (const { item, outcome } of done) await settle(tx, caller, item, outcome);
      const isMore = items.length > 0 && (await works.openFor(tx, id, 1)).length > 0;
      return isMore ? clock.now() : null;
    };
  };

  /** Claims open posts; none for a deleted agent or one that is not ready. */
  async function claim(tx: Tx, caller: Caller, agentId: string): Promise<WorkItem[]> {
    const facts = directory.facts(tx, agentId);
    if (!facts || facts.deletedAt !== null) return [];
    return claims.claimNext(tx, caller, agentId, { max: AT_ONCE, leaseSeconds: LEASE_SECONDS });
  }

  async function settle(tx: Tx, caller: Caller, { work, lease }: WorkItem, outcome: Outcome): Promise<void> {
    const token = lease?.token ?? "";
    try {
      if ("error" in outcome) await holders.fail(tx, caller, work.messageId, { token, ...outcome });
      else await holders.complete(tx, caller, work.messageId, { token, ...outcome });
    } catch (error) {
      // The claim was taken back or expired meanwhile.
      if (!(error instanceof Problem)) throw error;
    }
  }

  async function attempt(hook: WebhookRow & { url: string }, item: WorkItem, signal: AbortSignal): Promise<Outcome> {
    const entry: Entry = JSON.parse(item.entry.json);
    const body = JSON.stringify({ type: "channel.message", timestamp: entry.createdAt, data: dataOf(entry) });
    const key = String(entry.payload?.idempotencyKey ?? `msg_${entry.id}`);
    const wait = Math.min(FIRST_WAIT_SECONDS * 4 ** ((item.lease?.attempt ?? 1) - 1), MAX_WAIT_SECONDS);
    const headers = signed(key, clock.now(), body, [webhook.secretOf(hook)]);
    const sent = { url: hook.url, body, headers, signal, timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES };
    const answer = await post(egress, sent);
    if (!(answer instanceof EgressError)) return outcomeOf(answer, wait);
    const { code, message } = answer;
    const failure = code === "refused" ? "permanent" : "transient";
    // Senders read the error; addresses are for the operator alone.
    return { error: withoutAddresses(message, ""), failure, code, retryAfterSeconds: wait };
  }

  function outcomeOf(answer: EgressAnswer, wait: number): Outcome {
    if (isAccepted(answer)) return { externalIds: externalIdsIn(answer.body) };
    const { status } = answer;
    const mayWorkLater = status >= 500 || [408, 425, 429].includes(status);
    return {
      error: `The address answered ${status} at ${toTime(clock.now())}.`,
      failure: mayWorkLater ? FAILURES[0] : FAILURES[1],
      code: `http-${status}`,
      retryAfterSeconds: retryAfterMs(answer) / 1000 || wait,
    };
  }

  return { wakeForPost, wakeForWork, wakeForAgent, dueOutside: { [POST]: { maxMs: MAX_MS, work: postAll } } };
}

/** Body for the receiver, the same as for an adapter. The receiver may have the key to encrypted content. */
const dataOf = ({ id, from, encoding, body, payload }: Entry): Record<string, unknown> => ({
  ...{ messageId: id, from, ...payload },
  ...(encoding === "opaque" && { encoding, body }),
});

function externalIdsIn(body: Uint8Array): string[] {
  try {
    return ReceiverAnswer.parse(JSON.parse(Buffer.from(body).toString("utf8"))).externalIds ?? [];
  } catch {
    return [];
  }
}
