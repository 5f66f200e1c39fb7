import { createHmac, randomBytes } from "node:crypto";
import type { Areas } from "../../core/core.ts";
import { type Caller, readsAll, requireOperator } from "../../identity/auth/caller.ts";
import type { Unidentified, Witness } from "../../identity/auth/route.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { isSame } from "../../kernel/seal.ts";
import type { ParsedWebhook, WebhookChannel } from "../../protocol/channels.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { Problem } from "../../protocol/problem.ts";
import { toTime } from "../../protocol/wire.ts";
import { signed } from "../webhooks/signing.ts";
import type { WebhookRow } from "./store-webhook.ts";
import type { Stores } from "./stores.ts";

export const PROVIDER = "webhook";
/** Signatures older or newer than this are replays. */
const TOLERANCE_MS = 5 * 60_000;

export type Webhook = ReturnType<typeof createWebhook>;

/** The channel without an adapter: events arrive as signed POSTs, and posts leave as signed POSTs. */
export function createWebhook({ kernel, identity }: Areas, { webhooks }: Stores) {
  const { db, clock, egress, key } = kernel;
  const { agents, activity } = identity;

  /** Derived from the relay's key: the database holds no secret. */
  function secretOf({ channelId, nonce }: WebhookRow): string {
    const bytes = createHmac("sha256", key).update(JSON.stringify(["channel", channelId, nonce]));
    return `whsec_${bytes.digest("base64")}`;
  }

  /** `PUT /v1/channels/{id}/webhook`: replaces it, and registers its channel agent. @throws Problem 403, 422 */
  async function put(tx: Tx, caller: Caller, id: string, draft: ParsedWebhook) {
    requireOperator(caller);
    if (!id.startsWith(`${PROVIDER}:`)) throw Problem.invalid("id", `begins with ${PROVIDER}:`);
    if (draft.url) egress.requireAllowed(draft.url, "/url");
    const direction = draft.direction ?? (draft.url ? "bidirectional" : "inbound");
    if (!draft.url && direction !== "inbound") throw Problem.invalid("/url", `is needed to be ${direction}`);
    const { name, topics, target } = draft;
    const channel = { provider: PROVIDER, accountId: id.slice(PROVIDER.length + 1), direction, topics, target };
    await agents.register(tx, caller, id, {
      name: name ?? id.slice(PROVIDER.length + 1),
      kind: "channel",
      channel: { ...channel, displayName: name },
    });
    const before = await webhooks.byId(tx, id);
    const isNewSecret = !before || draft.rotate;
    const row: WebhookRow = {
      channelId: id,
      url: draft.url ?? null,
      verify: draft.verify,
      nonce: isNewSecret ? randomBytes(16).toString("base64url") : before.nonce,
      createdAt: before?.createdAt ?? clock.now(),
      updatedAt: clock.now(),
    };
    await webhooks.put(tx, row);
    const { url, verify } = row;
    await activity.record(tx, caller, "channel.webhook", id, { url, verify, direction, newSecret: isNewSecret });
    const saved: WebhookChannel = { ...wireWebhook(row), ...(isNewSecret && { secret: secretOf(row) }) };
    return { row: saved, created: !before };
  }

  /** Tells whether the sender knows the secret. */
  function proves(row: WebhookRow, headers: Headers, bytes: Uint8Array): boolean {
    const secret = secretOf(row);
    if (row.verify === "token") {
      const bearer = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
      return bearer !== undefined && isSame(bearer, secret);
    }
    const [id, seconds, given] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((n) => headers.get(n));
    if (!id || !given || !/^\d{1,12}$/.test(seconds ?? "")) return false;
    const at = Number(seconds) * 1000;
    if (Math.abs(clock.now() - at) > TOLERANCE_MS) return false;
    const expected = signed(id, at, Buffer.from(bytes).toString("utf8"), [secret])["webhook-signature"] ?? "";
    return given.split(" ").some((one) => isSame(one, expected));
  }

  return {
    put,
    secretOf,

    /** @throws Problem 403, 404 */
    async get(on: ReadTx, caller: Caller, id: string): Promise<WebhookChannel> {
      if (!readsAll(caller))
        throw new Problem("forbidden", "Only operators, members and viewers may see the webhook of a channel.");
      const row = await webhooks.byId(on, id);
      if (!row) throw new Problem("not-found", `${id} is no webhook channel.`);
      return wireWebhook(row);
    },

    /** The caller: by a token of the relay, else by a signature with the channel's secret. @throws Problem 401 */
    async witness({ request, params, requestId, caller }: Unidentified<{ id: string }>): Promise<Witness> {
      if (caller) return { caller: () => caller };
      const row = await db.read((on) => webhooks.byId(on, params.id));
      const pieces: Uint8Array[] = [];
      const prove = () => {
        if (row && proves(row, request.headers, Buffer.concat(pieces))) return asChannel(params.id, requestId);
        throw new Problem(
          "unauthorized",
          "Send Authorization: Bearer <token>, or sign it as the channel's webhook says.",
        );
      };
      // Without a signature the headers decide, before the body is read.
      if (!request.headers.has("webhook-signature")) prove();
      return { take: (piece) => pieces.push(piece), caller: prove };
    },
  };
}

/** The relay itself as the adapter of a channel. */
export const asChannel = (id: AgentId, requestId: string): Caller => ({
  ...{ tokenId: `channel:${id}`, role: "agent", agentId: id, groups: [], prefix: null, source: null, personId: null },
  ...{ instanceId: null, requestId },
});

const wireWebhook = (row: WebhookRow): WebhookChannel => ({
  channelId: row.channelId,
  url: row.url,
  verify: row.verify,
  eventsPath: `/v1/channels/${row.channelId}/events`,
  createdAt: toTime(row.createdAt),
  updatedAt: toTime(row.updatedAt),
});
