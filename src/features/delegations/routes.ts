import { z } from "zod";
import type { Offers } from "../../core/inbox/deliveries.ts";
import type { Waits } from "../../core/inbox/waits.ts";
import { storedTarget } from "../../core/messages/routes.ts";
import { createdOnce, ok, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import { nextLink } from "../../kernel/http/link.ts";
import {
  CancelledDelegations,
  Delegation,
  DelegationCancel,
  DelegationDraft,
  DelegationId,
  DelegationList,
  DelegationProgress,
  DelegationQuery,
  DelegationResponse,
  DelegationWait,
} from "../../protocol/delegations.ts";
import type { Delegations } from "./service.ts";

export interface DelegationRouteParts {
  db: Pick<Db, "read" | "write">;
  delegations: Delegations;
  offers: Offers;
  waits: Waits;
}

const Path = z.strictObject({ id: DelegationId });
const tag = "Delegations";

/** Asking, answering, waiting for the answer. */
export function delegationRoutes({ db, delegations, offers, waits }: DelegationRouteParts): Route[] {
  return [
    route({
      method: "POST",
      path: "/v1/delegations",
      operationId: "delegate",
      summary: "Ask for something that owes an answer",
      description:
        "Appends a `request`: talk for one agent, work for a group. The asker always gets exactly one `response` to it: the " +
        "answer, or the relay's, with the error, when the time is up, the target is deleted or the work is given up. What " +
        "comes after that is marked late.",
      tag,
      body: DelegationDraft,
      example: { to: "reviewer", text: "Is the change to the parser safe?", timeoutSeconds: 300 },
      idempotent: true,
      answers: {
        201: { description: "Asked.", schema: Delegation },
        200: { description: "Asked before with this key.", schema: Delegation },
      },
      problems: [
        "loop-paused",
        "quota-exceeded",
        ...([
          "forbidden",
          "superseded",
          "unknown-target",
          "no-conversation",
          "not-open",
          "budget-exceeded",
          "too-deep",
          "cycle",
        ] as const),
        "idempotency-mismatch",
      ],
      run: async ({ caller, body, idempotencyKey }) => {
        const { made, replayed } = await db.write((tx) => delegations.ask(tx, caller, body, idempotencyKey));
        return createdOnce(made, replayed);
      },
    }),
    route({
      method: "GET",
      path: "/v1/delegations",
      operationId: "listDelegations",
      summary: "Delegations, newest first",
      tag,
      query: DelegationQuery,
      answers: {
        200: { description: "A page; it may be short where much had to be passed over.", schema: DelegationList },
      },
      problems: ["forbidden", "superseded"],
      run: async ({ caller, query, request }) => {
        const { limit, page, to, ...rest } = query;
        const filter = { ...rest, to: storedTarget(to) };
        const list = await db.read(async (on) => {
          const found = await delegations.list(on, caller, filter, page, limit);
          const requests = found.items.map(({ messageId, from, to: target }) => ({ id: messageId, from, target }));
          await offers.noteSeen(on, caller, requests);
          return found;
        });
        return { status: 200, body: list, headers: nextLink(request, list.nextPage) };
      },
    }),
    route({
      method: "GET",
      path: "/v1/delegations/{id}",
      operationId: "getDelegation",
      summary: "One delegation; with waitSeconds, when it has ended",
      tag,
      long: true,
      params: Path,
      query: DelegationWait,
      answers: { 200: { description: "As it is now, also when the time is up.", schema: Delegation } },
      problems: ["forbidden", "superseded", "not-found"],
      run: async ({ caller, params, query, request }) => {
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
      },
    }),
    route({
      method: "POST",
      path: "/v1/delegations/{id}/response",
      operationId: "answerDelegation",
      summary: "Answer it, or say that it cannot be done",
      description:
        "By the agent that was asked, or who of a group claimed it; the claim is completed by it. A reply to the request, or " +
        "a completion with a result, is an answer as well.",
      tag,
      params: Path,
      body: DelegationResponse,
      example: { text: "Yes. It only moves code." },
      idempotent: true,
      answers: {
        201: { description: "Answered; late if it had ended before.", schema: Delegation },
        200: { description: "Answered before with this key.", schema: Delegation },
      },
      problems: ["forbidden", "superseded", "not-found", "not-open", "gone", "reserved", "idempotency-mismatch"],
      run: async ({ caller, params, body, idempotencyKey }) => {
        const { made, replayed } = await db.write((tx) =>
          delegations.respond(tx, caller, params.id, body, idempotencyKey),
        );
        return createdOnce(made, replayed);
      },
    }),
    route({
      method: "POST",
      path: "/v1/delegations/{id}/progress",
      operationId: "reportProgress",
      summary: "Report progress, or ask back",
      tag,
      params: Path,
      body: DelegationProgress,
      example: { text: "Half of the files are read." },
      idempotent: true,
      answers: {
        201: {
          description: "The asker was sent a `control` message; with `question` one of kind `request`.",
          schema: Delegation,
        },
        200: { description: "Reported before with this key.", schema: Delegation },
      },
      problems: ["forbidden", "superseded", "not-found", "not-open", "loop-paused", "idempotency-mismatch"],
      run: async ({ caller, params, body, idempotencyKey }) => {
        const { made, replayed } = await db.write((tx) =>
          delegations.progress(tx, caller, params.id, body, idempotencyKey),
        );
        return createdOnce(made, replayed);
      },
    }),
    route({
      method: "POST",
      path: "/v1/delegations/{id}/cancel",
      operationId: "cancelDelegation",
      summary: "Take it back, by who asked or an operator; with tree, all that came of it",
      description:
        "Whoever works on it is told, and each asker gets an answer that says so. Repeating it does nothing more.",
      tag,
      params: Path,
      body: DelegationCancel,
      example: { reason: "No longer needed." },
      bodyOptional: true,
      answers: { 200: { description: "The delegation, and what was ended.", schema: CancelledDelegations } },
      problems: ["forbidden", "superseded", "not-found", "not-open"],
      run: async ({ caller, params, body }) =>
        ok(await db.write((tx) => delegations.cancel(tx, caller, params.id, body))),
    }),
  ];
}
