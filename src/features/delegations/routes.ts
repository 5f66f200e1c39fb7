import type { Offers } from "../../core/inbox/deliveries.ts";
import type { Waits } from "../../core/inbox/waits.ts";
import { storedTarget } from "../../core/messages/routes.ts";
import { createdOnce, ok, pageOf, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import type { Delegation } from "../../protocol/delegations.ts";
import * as api from "../../protocol/delegations.ts";
import type { Delegations } from "./service.ts";

export interface DelegationRouteParts {
  db: Pick<Db, "read" | "write">;
  delegations: Delegations;
  offers: Offers;
  waits: Waits;
}

/** Asking, answering, waiting for the answer. */
export function delegationRoutes({ db, delegations, offers, waits }: DelegationRouteParts): Route[] {
  return [
    route(api.delegate, async ({ caller, body, idempotencyKey }) =>
      createdOnce(await db.write((tx) => delegations.ask(tx, caller, body, idempotencyKey))),
    ),
    route(api.listDelegations, async ({ caller, query, request }) => {
      const { limit, page, to, ...rest } = query;
      const filter = { ...rest, to: storedTarget(to) };
      const list = await db.read(async (on) => {
        const found = await delegations.list(on, caller, filter, page, limit);
        const requests = found.items.map(({ messageId, from, to: target }) => ({ id: messageId, from, target }));
        await offers.noteSeen(on, caller, requests);
        return found;
      });
      return pageOf(list, request);
    }),
    route(api.getDelegation, async ({ caller, params, query, request }) => {
      const look = () => db.read((on) => delegations.get(on, caller, params.id));
      const now = await look();
      if (query.waitSeconds === 0 || now.endedAt !== null) return ok(now);
      const ended = await waits.forEntries<Delegation>({
        caller,
        agentId: caller.agentId ?? now.from,
        waitMs: query.waitSeconds * 1000,
        signal: request.signal,
        // However it ends, whoever asked is sent a message in the same write.
        targets: async () => [now.from],
        look,
        found: (delegation) => delegation.endedAt !== null,
      });
      return ok(ended);
    }),
    route(api.answerDelegation, async ({ caller, params, body, idempotencyKey }) =>
      createdOnce(await db.write((tx) => delegations.respond(tx, caller, params.id, body, idempotencyKey))),
    ),
    route(api.reportProgress, async ({ caller, params, body, idempotencyKey }) =>
      createdOnce(await db.write((tx) => delegations.progress(tx, caller, params.id, body, idempotencyKey))),
    ),
    route(api.cancelDelegation, async ({ caller, params, body }) =>
      ok(await db.write((tx) => delegations.cancel(tx, caller, params.id, body))),
    ),
  ];
}
