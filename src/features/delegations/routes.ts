import type { Areas } from "../../core/core.ts";
import { storedTarget } from "../../core/messages/routes.ts";
import { type Call, ok, type Route, route, routesOn } from "../../identity/auth/route.ts";
import type { Delegation } from "../../protocol/delegations.ts";
import * as api from "../../protocol/delegations.ts";
import { handedOver } from "./handed.ts";
import type { DelegationService } from "./service.ts";

/** Asking, answering, waiting for the answer. */
export function delegationRoutes({ kernel, core }: Areas, delegations: DelegationService): Route[] {
  const { db } = kernel;
  const { deliveries } = core.inbox;
  const { list, change, create } = routesOn(db);
  return [
    create(api.delegate, (tx, { caller, body, idempotencyKey, request }) =>
      delegations.ask(tx, caller, { ...body, token: request.headers.get("signalbox-run") }, idempotencyKey),
    ),
    list(api.listDelegations, async (on, { caller, query }) => {
      const found = await delegations.list(on, caller, { ...query, to: storedTarget(query.to) });
      const requests = found.items.map(({ messageId, from, to: target }) => ({ id: messageId, from, target }));
      await deliveries.noteSeen(on, caller, requests);
      return found;
    }),
    route(api.getDelegation, async (call) =>
      ok(
        await waitForEnd(kernel, core, delegations, {
          ...call,
          id: call.params.id,
          waitSeconds: call.query.waitSeconds,
        }),
      ),
    ),
    create(api.answerDelegation, (tx, { caller, params, body, idempotencyKey }) =>
      delegations.respond(tx, caller, params.id, body, idempotencyKey),
    ),
    create(api.reportProgress, (tx, { caller, params, body, idempotencyKey }) =>
      delegations.progress(tx, caller, params.id, body, idempotencyKey),
    ),
    change(api.cancelDelegation, (tx, { caller, params, body }) => delegations.cancel(tx, caller, params.id, body)),
  ];
}

type Waiting = Pick<Call<unknown, unknown, unknown>, "caller" | "request"> & { id: string; waitSeconds: number };

/** A delegation, once it has ended or the time is over. @throws Problem 401, 403, 404, 409 */
export async function waitForEnd(
  { db }: Areas["kernel"],
  { inbox }: Areas["core"],
  delegations: DelegationService,
  { caller, request, id, waitSeconds }: Waiting,
): Promise<Delegation> {
  const look = () => db.read((on) => delegations.get(on, caller, id));
  const now = await look();
  if (waitSeconds === 0 || now.endedAt !== null) return handedOver(db, delegations, caller, now);
  const ended = await inbox.waits.forEntries<Delegation>({
    caller,
    agentId: caller.agentId ?? now.from,
    waitMs: waitSeconds * 1000,
    signal: request.signal,
    // Every end sends the asker a message, in the same write.
    targets: async () => [now.from],
    look,
    found: (delegation) => delegation.endedAt !== null,
  });
  return handedOver(db, delegations, caller, ended);
}
