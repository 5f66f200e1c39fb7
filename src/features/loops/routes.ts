import { z } from "zod";
import { ok, type Route, route } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import { nextLink } from "../../kernel/http/link.ts";
import { Loop, LoopList, LoopQuery } from "../../protocol/loops.ts";
import { MessageId } from "../../protocol/wire.ts";
import type { GuardService } from "./service.ts";

const Path = z.strictObject({
  rootId: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, "has to be a message's id: a whole number from 1")
    .transform(Number)
    .pipe(MessageId),
});
const tag = "Loops";

/** Seeing and resuming what agents overdid. */
export function guardRoutes(db: Pick<Db, "read" | "write">, guard: GuardService): Route[] {
  return [
    route({
      method: "GET",
      path: "/v1/loops",
      operationId: "listLoops",
      summary: "Where agents answered each other for too long, newest first",
      tag,
      query: LoopQuery,
      answers: { 200: { description: "A page.", schema: LoopList } },
      problems: ["forbidden"],
      run: async ({ caller, query, request }) => {
        const { status, limit } = query;
        const page = query.page === undefined ? undefined : Number(query.page);
        const list = await db.read((on) => guard.list(on, caller, status, page, limit));
        return { status: 200, body: list, headers: nextLink(request, list.nextPage) };
      },
    }),
    route({
      method: "POST",
      path: "/v1/loops/{rootId}/resume",
      operationId: "resumeLoop",
      summary: "Let a paused chain go on",
      description: "It counts anew from there. Both sides are told; what was refused meanwhile was not stored.",
      tag,
      params: Path,
      answers: { 200: { description: "Resumed, or was already.", schema: Loop } },
      problems: ["forbidden", "not-found"],
      run: async ({ caller, params }) => ok(await db.write((tx) => guard.resume(tx, caller, params.rootId))),
    }),
  ];
}
