import { type Caller, requireOperator } from "../../identity/auth/caller.ts";
import { type Route, route, routeWith } from "../../identity/auth/route.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import { readPage } from "../../kernel/pages.ts";
import { toTime } from "../../protocol/wire.ts";
import * as api from "../../protocol/work.ts";
import type { Areas } from "../core.ts";
import { eachItemAnswer, itemAnswer, itemJson, itemList, listAnswer } from "../messages/answers.ts";
import { type LogEntry, messageJson } from "../messages/entry.ts";
import type { WorkItem } from "./items.ts";
import type { WorkRow } from "./row.ts";

/** Work: claiming it and ending the claim. */
export function workRoutes({ kernel, core }: Areas): Route[] {
  const { db } = kernel;
  const { claims, holders, queue, rows: works } = core.work;
  const { parents } = core.messages;
  /** The claimed items, with their parents when requested. */
  async function including(caller: Caller, include: "parent" | undefined, items: readonly WorkItem[]) {
    const holder = items[0]?.work.holder;
    return include && holder ? db.read((on) => parents.ofWork(on, caller, holder, items)) : items;
  }
  return [
    route(api.claimMessage, async ({ caller, params, query, body }) => {
      const held = await db.write((tx) => claims.claim(tx, caller, params.id, body.agentId, body.leaseSeconds));
      const [item = held] = await including(caller, query.include, [held]);
      return itemAnswer(item);
    }),
    route(api.claimNext, async ({ caller, params, query, body, request }) => {
      const items = await queue.next(caller, params.id, body, request.signal);
      return itemList(query.include ? await including(caller, query.include, items) : items);
    }),
    route(api.heldClaims, async ({ caller, params, query, request }) => {
      const shown = async (on: ReadTx, held: WorkItem): Promise<string> => {
        const [item = held] = query.include ? await parents.ofWork(on, caller, params.id, [held]) : [held];
        return itemJson(item);
      };
      const page = (on: ReadTx) => claims.heldPage(on, caller, params.id, query, (held) => shown(on, held));
      const { items, last, more } = await db.read(page);
      return listAnswer(items, more ? (last?.messageId ?? null) : null, request);
    }),
    route(api.renewClaim, async ({ caller, params, body }) =>
      itemAnswer(await db.write((tx) => holders.renew(tx, caller, params.id, body))),
    ),
    route(api.releaseClaim, async ({ caller, params, body }) =>
      itemAnswer(await db.write((tx) => holders.release(tx, caller, params.id, body))),
    ),
    route(api.completeClaim, async ({ caller, params, body }) =>
      itemAnswer(await db.write((tx) => holders.complete(tx, caller, params.id, body))),
    ),
    route(api.completeClaims, async ({ caller, body }) =>
      eachItemAnswer(await db.write((tx) => holders.completeEach(tx, caller, body.items)), caller),
    ),
    route(api.failClaim, async ({ caller, params, body }) =>
      itemAnswer(await db.write((tx) => holders.fail(tx, caller, params.id, body))),
    ),
    routeWith(db, itemAnswer)(api.cancelMessage, (tx, { caller, params }) => claims.cancel(tx, caller, params.id)),
    routeWith(db, itemAnswer)(api.requeueMessage, (tx, { caller, params }) => claims.requeue(tx, caller, params.id)),
    route(api.listDeadLetters, async ({ caller, query, request }) => {
      requireOperator(caller);
      const { items, last, more } = await db.read((on) =>
        readPage(
          query.limit,
          (count, after: WorkRow | undefined) => works.dead(on, after?.messageId ?? query.page, count),
          async (work) => deadJson(await core.work.items.entryOf(on, work.messageId), work),
        ),
      );
      return listAnswer(items, more ? (last?.messageId ?? null) : null, request);
    }),
  ];
}

function deadJson(entry: LogEntry, work: WorkRow): string {
  const more = { error: work.error, diedAt: toTime(work.endedAt ?? 0) };
  return messageJson(entry, work, `,${JSON.stringify(more).slice(1, -1)}`);
}
