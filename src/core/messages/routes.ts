import { formatTarget, parseTarget } from "../../identity/agents/target.ts";
import { type CallOf, ok, RawJson, type Route, route, routeWith, still } from "../../identity/auth/route.ts";
import type { Tx } from "../../kernel/db/database.ts";
import { explainMessage } from "../../protocol/explain.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import * as api from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Areas } from "../core.ts";
import { batchAnswer, eachAnswer, listAnswer, sentAnswer } from "./answers.ts";
import { checkKeys, requireWhole, underKey } from "./batch-keys.ts";
import { messageJson } from "./entry.ts";

/** Sending, finding and explaining messages. */
export function messageRoutes({ kernel, core }: Areas): Route[] {
  const { db } = kernel;
  const { messages } = core;
  const { lists, readers, explainer } = messages;
  const { deliveries } = core.inbox;
  return [
    routeWith(db, sentAnswer)(api.sendMessage, (tx, { caller, body, idempotencyKey }) =>
      messages.send(tx, caller, withKey(body, idempotencyKey)),
    ),
    route(api.sendBatch, async (call) => {
      const { caller, query, body, idempotencyKey: key } = call;
      const drafts = underKey(body.messages, key);
      const write = <R>(verb: (tx: Tx) => Promise<R>) => db.write((tx) => still(tx, call, () => verb(tx)));
      if (query.atomic === "false")
        return eachAnswer(await write((tx) => messages.sendEach(tx, caller, drafts)), caller);
      checkKeys(caller, drafts);
      const sent = await write(async (tx) => {
        const all = await messages.sendAll(tx, caller, drafts);
        requireWhole(body.messages, key, all);
        return all;
      });
      return batchAnswer(sent);
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

/** The stored form of a target: `orchestrator:x` is its agent. */
export function storedTarget(to: string | undefined): string | undefined {
  const target = to === undefined ? undefined : parseTarget(to);
  return target ? formatTarget(target) : to;
}
