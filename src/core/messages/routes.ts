import { formatTarget, parseTarget } from "../../identity/agents/target.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import { type CallOf, ok, RawJson, type Route, route } from "../../identity/auth/route.ts";
import { explainMessage } from "../../protocol/explain.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import * as api from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Areas } from "../core.ts";
import { batchAnswer, eachAnswer, listAnswer, sentAnswer } from "./answers.ts";
import { messageJson } from "./entry.ts";

/** Sending, finding and explaining messages. */
export function messageRoutes({ kernel, core }: Areas): Route[] {
  const { db } = kernel;
  const { messages } = core;
  const { lists, readers, explainer } = messages;
  const { deliveries } = core.inbox;
  return [
    route(api.sendMessage, async ({ caller, body, idempotencyKey }) => {
      const draft = withKey(body, idempotencyKey);
      return sentAnswer(await db.write((tx) => messages.send(tx, caller, draft)));
    }),
    route(api.sendBatch, async ({ caller, query, body }) => {
      if (query.atomic === "false")
        return eachAnswer(await db.write((tx) => messages.sendEach(tx, caller, body.messages)), caller);
      checkKeys(caller, body.messages);
      return batchAnswer(await db.write((tx) => messages.sendAll(tx, caller, body.messages)));
    }),
    route(api.listMessages, list),
    route(api.getMessage, async ({ caller, params }) =>
      ok(new RawJson(await db.read((on) => readers.detail(on, caller, params.id)))),
    ),
    route(explainMessage, async ({ caller, params, query }) =>
      ok(await db.read((on) => explainer.explain(on, caller, params.id, query.page ?? "", query.limit))),
    ),
    route(api.markRead, async ({ caller, params, body }) =>
      ok(new RawJson(await db.write((tx) => readers.markRead(tx, caller, params.id, body.agentId)))),
    ),
  ];

  async function list({ caller, query, request }: CallOf<typeof api.listMessages>) {
    const { limit, page, q, before, after, to, ...rest } = query;
    const filter = { ...rest, to: storedTarget(to) };
    const until = page === undefined ? before : Math.min(page, before ?? page);
    const range = { before: until, after };
    const hits = q === undefined ? undefined : await lists.hits(caller, q, range);
    const found = await db.read(async (on) => {
      const page = await lists.list(on, caller, filter, range, limit, hits);
      await deliveries.noteSeen(
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
export function withKey(draft: ParsedDraft, key: string | undefined): ParsedDraft {
  if (key === undefined) return draft;
  if (draft.idempotencyKey && draft.idempotencyKey !== key)
    throw Problem.invalid("/idempotencyKey", "differs from the Idempotency-Key header");
  return { ...draft, idempotencyKey: key };
}

/** @throws Problem 422 when a key comes twice, as it could stand for either draft */
function checkKeys(caller: Caller, drafts: readonly ParsedDraft[]): void {
  const seen = new Set<string>();
  for (const [index, { idempotencyKey, from }] of drafts.entries()) {
    if (!idempotencyKey) continue;
    const key = `${from ?? caller.agentId} ${idempotencyKey}`;
    if (seen.has(key)) throw Problem.invalid(`/messages/${index}/idempotencyKey`, "stands twice in this batch");
    seen.add(key);
  }
}

/** The stored form of a target: `orchestrator:x` is its agent. */
export function storedTarget(to: string | undefined): string | undefined {
  const target = to === undefined ? undefined : parseTarget(to);
  return target ? formatTarget(target) : to;
}
