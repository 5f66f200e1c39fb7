import { z } from "zod";
import { createdOnce, ok, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import { nextLink } from "../../kernel/http/link.ts";
import { Message } from "../../protocol/messages.ts";
import { Pair, PairDraft, PairId, PairList, PairMessage, PairQuery, PairStep } from "../../protocol/pairs.ts";
import type { Pairs } from "./service.ts";

const Path = z.strictObject({ id: PairId });
const tag = "Pairs";

/** Two agents that work together: asking, agreeing, talking, ending. */
export function pairRoutes(db: Pick<Db, "read" | "write">, pairs: Pairs): Route[] {
  const step = {
    ...{ method: "POST" as const, tag, params: Path, body: PairStep, bodyOptional: true },
    example: { reason: "The build is fast again." },
  };
  const answers = { 200: { description: "As it is now, also when it was so before.", schema: Pair } };
  return [
    route({
      method: "POST",
      path: "/v1/pairs",
      operationId: "askForPair",
      summary: "Ask another agent to work together",
      description: "Both are sent a `pair` message at each step. It expires when it is not accepted in time.",
      tag,
      body: PairDraft,
      example: { target: "reviewer", objective: "Find out why the build is slow." },
      idempotent: true,
      answers: {
        201: { description: "Asked.", schema: Pair },
        200: { description: "Asked before with this key.", schema: Pair },
      },
      problems: ["forbidden", "superseded", "conflict", "unknown-target", "idempotency-mismatch"],
      run: async ({ caller, body, idempotencyKey }) => {
        const { made, replayed } = await db.write((tx) => pairs.ask(tx, caller, body, idempotencyKey));
        return createdOnce(made, replayed);
      },
    }),
    route({
      method: "GET",
      path: "/v1/pairs",
      operationId: "listPairs",
      summary: "Pairs, newest first",
      tag,
      query: PairQuery,
      answers: { 200: { description: "A page.", schema: PairList } },
      problems: ["forbidden", "superseded"],
      run: async ({ caller, query, request }) => {
        const list = await db.read((on) => pairs.list(on, caller, query, query.limit));
        return { status: 200, body: list, headers: nextLink(request, list.nextPage) };
      },
    }),
    route({
      method: "GET",
      path: "/v1/pairs/{id}",
      operationId: "getPair",
      summary: "One pair",
      tag,
      params: Path,
      answers: { 200: { description: "The pair.", schema: Pair } },
      problems: ["forbidden", "superseded", "not-found"],
      run: async ({ caller, params }) => ok(await db.read((on) => pairs.get(on, caller, params.id))),
    }),
    route({
      ...step,
      path: "/v1/pairs/{id}/accept",
      operationId: "acceptPair",
      summary: "Agree to work together, by who was asked",
      answers,
      problems: ["forbidden", "superseded", "not-found", "conflict"],
      run: async ({ caller, params, body }) => ok(await db.write((tx) => pairs.accept(tx, caller, params.id, body))),
    }),
    route({
      ...step,
      path: "/v1/pairs/{id}/reject",
      operationId: "rejectPair",
      summary: "Say no, by who was asked",
      answers,
      problems: ["forbidden", "superseded", "not-found", "conflict"],
      run: async ({ caller, params, body }) => ok(await db.write((tx) => pairs.reject(tx, caller, params.id, body))),
    }),
    route({
      ...step,
      path: "/v1/pairs/{id}/end",
      operationId: "endPair",
      summary: "Stop working together, or take the request back",
      answers,
      problems: ["forbidden", "superseded", "not-found", "conflict"],
      run: async ({ caller, params, body }) => ok(await db.write((tx) => pairs.end(tx, caller, params.id, body))),
    }),
    route({
      method: "POST",
      path: "/v1/pairs/{id}/messages",
      operationId: "sayToPair",
      summary: "Say something to the other member, in the pair's thread",
      tag,
      params: Path,
      body: PairMessage,
      example: { body: "The linker takes half of the time." },
      idempotent: true,
      answers: {
        201: { description: "Sent.", schema: Message },
        200: { description: "Sent before with this key.", schema: Message },
      },
      problems: [
        "forbidden",
        "superseded",
        "not-found",
        "conflict",
        "gone",
        "reserved",
        "loop-paused",
        "idempotency-mismatch",
      ],
      run: async ({ caller, params, body, idempotencyKey }) => {
        const { made, replayed } = await db.write((tx) => pairs.say(tx, caller, params.id, body, idempotencyKey));
        return createdOnce(made, replayed);
      },
    }),
  ];
}
