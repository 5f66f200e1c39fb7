import { z } from "zod";
import { formatTarget, parseTarget } from "../../identity/agents/target.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import { type Call, ok, RawJson, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import { AgentId } from "../../protocol/agents.ts";
import { ExplainQuery, Explanation } from "../../protocol/explain.ts";
import {
  Batch,
  MAX_BATCH,
  MessageDetail,
  MessageDraft,
  MessageList,
  MessageQuery,
  type ParsedDraft,
  ReadMark,
  Scheduled,
  SentBatch,
  SentMessage,
} from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import { Thread, ThreadQuery } from "../../protocol/threads.ts";
import { MessageId, queryInt } from "../../protocol/wire.ts";
import type { Offers } from "../inbox/deliveries.ts";
import { listAnswer, sentAnswer, sentJson } from "./answers.ts";
import { messageJson } from "./entry.ts";
import type { Explainer } from "./explain.ts";
import type { Lists } from "./lists.ts";
import type { Readers } from "./readers.ts";
import type { Sender } from "./send.ts";

export interface MessageRouteParts {
  db: Pick<Db, "read" | "write">;
  sender: Sender;
  lists: Lists;
  readers: Readers;
  offers: Offers;
  explainer: Explainer;
}

export const MessagePath = z.strictObject({
  id: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, "has to be a message's id: a whole number from 1")
    .transform(Number)
    .pipe(MessageId),
});
const BATCH_BYTES = 8 * 1024 * 1024;
const tag = "Messages";

/** Sending, finding and explaining messages. */
export function messageRoutes({ db, sender, lists, readers, offers, explainer }: MessageRouteParts): Route[] {
  return [
    route({
      method: "POST",
      path: "/v1/messages",
      operationId: "sendMessage",
      summary: "Send a message",
      description: "201 the first time, 200 when the idempotency key was used before, 202 with a deliverAt to come.",
      tag,
      body: MessageDraft,
      example: { to: "user", subject: "Build", body: "The build is green." },
      idempotent: true,
      answers: {
        201: { description: "Stored.", schema: SentMessage },
        200: { description: "Sent before with this key.", schema: SentMessage },
        202: { description: "Becomes a message at deliverAt.", schema: Scheduled },
      },
      problems: [
        "forbidden",
        "unknown-target",
        "not-claimable",
        "no-conversation",
        "reserved-kind",
        "reserved",
        "loop-paused",
        "quota-exceeded",
        "idempotency-mismatch",
        "superseded",
      ],
      run: async ({ caller, body, idempotencyKey }) => {
        const draft = withKey(body, idempotencyKey);
        return sentAnswer(await db.write((tx) => sender.send(tx, caller, draft)));
      },
    }),
    route({
      method: "POST",
      path: "/v1/messages/batch",
      operationId: "sendBatch",
      summary: "Send many messages, all or nothing",
      tag,
      body: Batch,
      example: {
        messages: [
          { to: "user", body: "Part one." },
          { to: "user", body: "Part two." },
        ],
      },
      bodyLimit: BATCH_BYTES,
      many: { as: "messages", item: MessageDraft, max: MAX_BATCH },
      answers: { 201: { description: "All stored.", schema: SentBatch } },
      problems: [
        "forbidden",
        "unknown-target",
        "not-claimable",
        "no-conversation",
        "reserved-kind",
        "reserved",
        "loop-paused",
        "quota-exceeded",
        "idempotency-mismatch",
        "superseded",
      ],
      run: async ({ caller, body }) => {
        checkKeys(caller, body.messages);
        const items = await db.write((tx) => sender.sendAll(tx, caller, body.messages));
        return { status: 201, body: new RawJson(`{"items":[${items.map((sent) => sentJson(sent, true)).join(",")}]}`) };
      },
    }),
    route({
      method: "GET",
      path: "/v1/messages",
      operationId: "listMessages",
      summary: "Find messages, newest first",
      tag,
      query: MessageQuery,
      answers: {
        200: { description: "A page; it may be short where much had to be passed over.", schema: MessageList },
      },
      problems: ["forbidden"],
      run: ({ caller, query, request }) => list(caller, query, request),
    }),
    route({
      method: "GET",
      path: "/v1/messages/{id}",
      operationId: "getMessage",
      summary: "One message, who read it, and its attempts",
      tag,
      params: MessagePath,
      answers: { 200: { description: "The message.", schema: MessageDetail } },
      problems: ["forbidden", "not-found"],
      run: async ({ caller, params }) => ok(new RawJson(await db.read((on) => readers.detail(on, caller, params.id)))),
    }),
    route({
      method: "GET",
      path: "/v1/messages/{id}/explain",
      operationId: "explainMessage",
      summary: "What became of a message",
      description: "Facts in order of time, and one plain sentence for each recipient.",
      tag,
      params: MessagePath,
      query: ExplainQuery,
      answers: { 200: { description: "Its story.", schema: Explanation } },
      problems: ["forbidden", "not-found"],
      run: async ({ caller, params, query }) =>
        ok(await db.read((on) => explainer.explain(on, caller, params.id, query.page ?? "", query.limit))),
    }),
    route({
      method: "GET",
      path: "/v1/threads/{id}",
      operationId: "getThread",
      summary: "The messages of a thread, oldest first",
      tag: "Messages",
      params: MessagePath,
      query: ThreadQuery,
      answers: { 200: { description: "What of the thread the caller may read.", schema: Thread } },
      problems: ["forbidden", "not-found"],
      run: async ({ caller, params, query }) =>
        ok(new RawJson(await db.read((on) => readers.thread(on, caller, params.id, query.page ?? 0, query.limit)))),
    }),
    route({
      method: "POST",
      path: "/v1/messages/{id}/read",
      operationId: "markRead",
      summary: "Say that a message was read",
      tag,
      params: MessagePath,
      body: ReadMark,
      example: { agentId: "user" },
      bodyOptional: true,
      answers: { 200: { description: "The message.", schema: MessageDetail } },
      problems: ["forbidden", "not-found", "superseded"],
      run: async ({ caller, params, body }) =>
        ok(new RawJson(await db.write((tx) => readers.markRead(tx, caller, params.id, body.agentId)))),
    }),
  ];

  async function list(caller: Caller, query: z.output<typeof MessageQuery>, request: Request) {
    const { limit, page, q, before, after, to, ...rest } = query;
    const filter = { ...rest, to: storedTarget(to) };
    const until = page === undefined ? before : Math.min(page, before ?? page);
    const range = { before: until, after };
    const hits = q === undefined ? undefined : await lists.hits(caller, q, range);
    const found = await db.read(async (on) => {
      const page = await lists.list(on, caller, filter, range, limit, hits);
      await offers.noteSeen(
        on,
        caller,
        page.items.map(({ entry }) => entry),
      );
      return page;
    });
    return listAnswer(
      found.items.map(({ entry, work }) => messageJson(entry, work)),
      found.next,
      request,
    );
  }
}

/** The header's key is the body's. @throws Problem 422 when both are there and differ */
export function withKey(draft: ParsedDraft, key: Call<unknown, unknown, unknown>["idempotencyKey"]): ParsedDraft {
  if (key === undefined) return draft;
  if (draft.idempotencyKey && draft.idempotencyKey !== key)
    throw Problem.invalid("/idempotencyKey", "differs from the Idempotency-Key header");
  return { ...draft, idempotencyKey: key };
}

/** @throws Problem 422 when a key comes twice: which of the two would it stand for? */
function checkKeys(caller: Caller, drafts: readonly ParsedDraft[]): void {
  const seen = new Set<string>();
  for (const [index, { idempotencyKey, from }] of drafts.entries()) {
    if (!idempotencyKey) continue;
    const key = `${from ?? caller.agentId} ${idempotencyKey}`;
    if (seen.has(key)) throw Problem.invalid(`/messages/${index}/idempotencyKey`, "stands twice in this batch");
    seen.add(key);
  }
}

/** A target as it is stored: `orchestrator:x` is its agent. */
export function storedTarget(to: string | undefined): string | undefined {
  const target = to === undefined ? undefined : parseTarget(to);
  return target ? formatTarget(target) : to;
}

export const AgentPath = z.strictObject({ id: AgentId });
export const Seconds = queryInt(0, 60);
