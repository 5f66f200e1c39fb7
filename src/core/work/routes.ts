import { type Caller, requireOperator } from "../../identity/auth/caller.ts";
import { type Route, route } from "../../identity/auth/route.ts";
import type { Db, Reading } from "../../kernel/db/database.ts";
import type { LogEntry } from "../../kernel/log/tail.ts";
import { readPage } from "../../kernel/pages.ts";
import { toTime } from "../../protocol/wire.ts";
import {
  Claimed,
  ClaimedList,
  ClaimNext,
  ClaimOne,
  ClaimQuery,
  Complete,
  DeadLetterList,
  DeadLetterQuery,
  Fail,
  HeldList,
  HeldQuery,
  Release,
  Renew,
  WorkAnswer,
} from "../../protocol/work.ts";
import { listAnswer, workedAnswer, workedJson, workedList } from "../messages/answers.ts";
import { messageJson } from "../messages/entry.ts";
import type { Parents } from "../messages/parents.ts";
import { AgentPath, MessagePath } from "../messages/routes.ts";
import type { Taking } from "./claiming.ts";
import type { Claims, Worked } from "./claims.ts";
import type { WorkRow, WorkStore } from "./store.ts";

export interface WorkRouteParts {
  db: Pick<Db, "read" | "write">;
  claims: Claims;
  works: WorkStore;
  taking: Taking;
  parents: Parents;
}

const tag = "Claims";
const answers = { 200: { description: "The message and the state of its work.", schema: WorkAnswer } };

/** Work: claiming it and ending the claim. */
export function workRoutes({ db, claims, works, taking, parents }: WorkRouteParts): Route[] {
  /** The work, with what its messages reply to when that is asked for; it is held already. */
  async function including(caller: Caller, include: "parent" | undefined, items: readonly Worked[]) {
    const holder = items[0]?.work.holder;
    return include && holder ? db.read((on) => parents.ofWork(on, caller, holder, items)) : items;
  }
  const onLease = { method: "POST" as const, tag, params: MessagePath, answers };
  return [
    route({
      ...onLease,
      path: "/v1/messages/{id}/claim",
      operationId: "claimMessage",
      summary: "Claim one piece of work",
      query: ClaimQuery,
      body: ClaimOne,
      example: { leaseSeconds: 600 },
      bodyOptional: true,
      answers: { 200: { description: "Held now; the token is the lease's fencing token.", schema: Claimed } },
      problems: [
        "forbidden",
        "already-claimed",
        "not-open",
        "not-a-target",
        "not-claimable",
        "not-found",
        "conflict",
        "superseded",
      ],
      run: async ({ caller, params, query, body }) => {
        const held = await db.write((tx) => claims.claim(tx, caller, params.id, body.agentId, body.leaseSeconds));
        const [item = held] = await including(caller, query.include, [held]);
        return workedAnswer(item);
      },
    }),
    route({
      method: "POST",
      path: "/v1/agents/{id}/claims",
      operationId: "claimNext",
      summary: "Claim the next open work",
      description: "Urgent first, then oldest. With waitSeconds it waits in a queue until there is some.",
      tag,
      long: true,
      params: AgentPath,
      query: ClaimQuery,
      body: ClaimNext,
      example: { max: 1, leaseSeconds: 600, waitSeconds: 30 },
      bodyOptional: true,
      answers: { 200: { description: "What was claimed; empty when there was nothing.", schema: ClaimedList } },
      problems: ["forbidden", "gone", "superseded"],
      run: async ({ caller, params, query, body, request }) => {
        const items = await taking.next(caller, params.id, body, request.signal);
        return workedList(await including(caller, query.include, items));
      },
    }),
    route({
      method: "GET",
      path: "/v1/agents/{id}/claims",
      operationId: "heldClaims",
      summary: "What an agent holds, with tokens",
      tag,
      params: AgentPath,
      query: HeldQuery,
      answers: { 200: { description: "Live leases, oldest message first.", schema: HeldList } },
      problems: ["forbidden", "gone"],
      run: async ({ caller, params, query, request }) => {
        const shown = async (on: Reading, held: Worked): Promise<string> => {
          const [item = held] = query.include ? await parents.ofWork(on, caller, params.id, [held]) : [held];
          return workedJson(item);
        };
        const page = (on: Reading) => claims.heldPage(on, caller, params.id, query, (held) => shown(on, held));
        const { items, last, more } = await db.read(page);
        return listAnswer(items, more ? (last?.messageId ?? null) : null, request);
      },
    }),
    route({
      ...onLease,
      path: "/v1/messages/{id}/renew",
      operationId: "renewClaim",
      summary: "Renew a lease, and report progress",
      description:
        "With `progress` its sender gets a `control` message, a reply to the work. The report that was sent last is not sent again; one that is refused renews nothing.",
      body: Renew,
      example: { token: "clm_1_1", leaseSeconds: 600, progress: "Half of the files are read." },
      problems: ["forbidden", "claim-lost", "not-claimable", "not-found", "loop-paused"],
      run: async ({ caller, params, body }) =>
        workedAnswer(await db.write((tx) => claims.renew(tx, caller, params.id, body))),
    }),
    route({
      ...onLease,
      path: "/v1/messages/{id}/release",
      operationId: "releaseClaim",
      summary: "Give it back; the attempt does not count",
      body: Release,
      example: { token: "clm_1_1", delaySeconds: 60, reason: "The test machine is busy." },
      problems: ["forbidden", "claim-lost", "not-claimable", "not-found"],
      run: async ({ caller, params, body }) =>
        workedAnswer(await db.write((tx) => claims.release(tx, caller, params.id, body))),
    }),
    route({
      ...onLease,
      path: "/v1/messages/{id}/complete",
      operationId: "completeClaim",
      summary: "Finish it; a result goes to the sender",
      body: Complete,
      example: { token: "clm_1_1", result: "Merged as 4f2c1d9." },
      problems: ["forbidden", "claim-lost", "not-claimable", "not-found", "reserved"],
      run: async ({ caller, params, body }) =>
        workedAnswer(await db.write((tx) => claims.complete(tx, caller, params.id, body))),
    }),
    route({
      ...onLease,
      path: "/v1/messages/{id}/fail",
      operationId: "failClaim",
      summary: "It did not work; the attempt counts",
      body: Fail,
      example: { token: "clm_1_1", error: "The tests do not compile.", retryAfterSeconds: 60 },
      problems: ["forbidden", "claim-lost", "not-claimable", "not-found"],
      run: async ({ caller, params, body }) =>
        workedAnswer(await db.write((tx) => claims.fail(tx, caller, params.id, body))),
    }),
    route({
      ...onLease,
      path: "/v1/messages/{id}/cancel",
      operationId: "cancelMessage",
      summary: "Take work back, by its sender or an operator",
      problems: ["not-open", "not-claimable", "forbidden", "not-found"],
      run: async ({ caller, params }) => workedAnswer(await db.write((tx) => claims.cancel(tx, caller, params.id))),
    }),
    route({
      ...onLease,
      path: "/v1/messages/{id}/requeue",
      operationId: "requeueMessage",
      summary: "Open a dead letter again, with fresh attempts",
      problems: ["not-open", "not-claimable", "forbidden", "not-found"],
      run: async ({ caller, params }) => workedAnswer(await db.write((tx) => claims.requeue(tx, caller, params.id))),
    }),
    route({
      method: "GET",
      path: "/v1/dead-letters",
      operationId: "listDeadLetters",
      summary: "Work whose attempts ran out, newest first",
      tag,
      query: DeadLetterQuery,
      answers: { 200: { description: "A page.", schema: DeadLetterList } },
      problems: ["forbidden"],
      run: async ({ caller, query, request }) => {
        requireOperator(caller);
        const { items, last, more } = await db.read((on) =>
          readPage(
            query.limit,
            (count, after: WorkRow | undefined) => works.dead(on, after?.messageId ?? query.page, count),
            async (work) => deadJson(await claims.entryOf(on, work.messageId), work),
          ),
        );
        return listAnswer(items, more ? (last?.messageId ?? null) : null, request);
      },
    }),
  ];
}

function deadJson(entry: LogEntry, work: WorkRow): string {
  const more = { error: work.error, diedAt: toTime(work.endedAt ?? 0) };
  return messageJson(entry, work, `,${JSON.stringify(more).slice(1, -1)}`);
}
