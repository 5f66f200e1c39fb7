import type { Areas } from "../../core/core.ts";
import type { FacetFilter } from "../../core/facets/filter.ts";
import type { Caller } from "../../identity/auth/caller.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { ParsedSession, Session } from "../../protocol/sessions.ts";
import type { List } from "../../protocol/wire.ts";
import { notYours, type SessionAccess } from "./access.ts";
import type { SessionBook } from "./book.ts";
import { blankSession, reported } from "./draft.ts";
import { lost } from "./leases.ts";
import type { SessionRow } from "./row.ts";
import { type SessionFilter, sessionStore as store } from "./store.ts";

/** Live sessions of one orchestrator. */
const MAX_LIVE = 1000;

export type SessionService = ReturnType<typeof createSessionService>;

/** Reporting and reading sessions. */
export function createSessionService(
  { kernel, identity, core }: Areas,
  { access, book }: { access: SessionAccess; book: SessionBook },
) {
  const { clock, disk } = kernel;
  const { orchestrators } = identity;

  /** @throws Problem 409 conflict */
  async function checkNativeId(on: ReadTx, row: Omit<SessionRow, "number">): Promise<void> {
    const other = await store.byNativeId(on, row);
    if (other && other.id !== row.id)
      throw new Problem("conflict", `${other.id} is the session of ${row.provider} with native id ${row.nativeId}.`);
  }

  /** @throws Problem 409 budget-exceeded */
  async function checkRoom(on: ReadTx, orchestratorId: string): Promise<void> {
    if ((await store.liveUnder(on, orchestratorId, MAX_LIVE)).length >= MAX_LIVE)
      throw new Problem("budget-exceeded", `${orchestratorId} has ${MAX_LIVE} live sessions, the most it may have.`);
  }

  /** @throws Problem 403, 409 claim-lost, 422 */
  function checkFence(before: SessionRow, orchestratorId: string, fence: number | undefined): void {
    if (fence !== undefined && fence !== before.fence) throw lost(before);
    if (before.orchestratorId !== orchestratorId) throw notYours(before);
    if (fence === undefined && before.leaseUntil !== null)
      throw Problem.invalid("/fence", "is needed while the session is leased: the answer to the lease has it");
  }

  async function heard(tx: Tx, row: SessionRow, { evidence }: ParsedSession): Promise<SessionRow> {
    if (evidence) await book.reported.raise(tx, row, evidence);
    return row;
  }

  return {
    /** `PUT /v1/sessions/{id}`. @throws Problem 403, 409, 422 */
    async put(tx: Tx, caller: Caller, id: string, body: ParsedSession): Promise<{ row: Session; created: boolean }> {
      const orchestratorId = await access.requireOrchestrator(tx, caller);
      const before = await store.byId(tx, id);
      if (before) checkFence(before, orchestratorId, body.fence);
      if (before?.agentId !== body.agentId || body.state !== "dead")
        await access.requireEnrolled(tx, caller, body.agentId);
      disk.checkRoom(JSON.stringify(body).length, "sessions");
      if (before) {
        const row = reported(before, body, clock.now());
        await checkNativeId(tx, row);
        return { row: book.show(await heard(tx, await book.save(tx, row, before), body), tx), created: false };
      }
      await checkRoom(tx, orchestratorId);
      const row = reported(blankSession(id, orchestratorId, body, clock.now()), body, clock.now());
      await checkNativeId(tx, row);
      return { row: book.show(await heard(tx, await book.add(tx, row), body), tx), created: true };
    },

    /** `GET /v1/sessions/{id}`. @throws Problem 403, 404, 409 */
    get: async (on: ReadTx, caller: Caller, id: string): Promise<Session> =>
      book.show(await access.requireReadable(on, caller, id)),

    /** `GET /v1/sessions`: all for people, its own for an orchestrator and an agent. @throws Problem 403, 409 */
    async list(
      on: ReadTx,
      caller: Caller,
      query: SessionFilter & FacetFilter & PageQuery<string>,
    ): Promise<List<Session>> {
      const filter = await access.filterFor(on, caller, query);
      const among = await core.facets.find(on, "session", query);
      return readList(
        query,
        (count, before) => store.page(on, filter, orchestrators.away(), before, count, among?.numbers),
        book.show,
        ({ id }) => id,
      );
    },
  };
}
