import type { Areas } from "../../core/core.ts";
import { type Caller, readsAll } from "../../identity/auth/caller.ts";
import { orchestratorIdOf } from "../../identity/orchestrators/ids.ts";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Limit, ParsedLimit } from "../../protocol/sessions.ts";
import { fromTime, type List, toTime } from "../../protocol/wire.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { LimitBook } from "./book.ts";
import type { LimitProbes } from "./probes.ts";
import type { LimitRow } from "./row.ts";
import { limitStore as store } from "./store.ts";
import { toLimit } from "./view.ts";

/** Limits at once. */
const MAX_LIMITS = 1000;
/** Sessions of one account that are looked at. */
const MAX_SESSIONS = 1000;
/** Orchestrators that a limit names. */
const MAX_REPORTERS = 32;

export type LimitService = ReturnType<typeof createLimitService>;

/** Reporting, reading and clearing limits. */
export function createLimitService(
  { kernel, identity, core, sessions }: Areas & { sessions: Sessions },
  { book, probes }: { book: LimitBook; probes: LimitProbes },
) {
  const { clock } = kernel;
  const { activity, agents, auth } = identity;

  /** @throws Problem 403, 409 */
  async function requireOrchestrator(on: ReadTx, caller: Caller): Promise<string> {
    if (caller.role !== "orchestrator" || caller.agentId === null)
      throw new Problem("forbidden", "Limits are reported by the orchestrators whose sessions meet them.");
    await agents.requireActor(on, caller, caller.agentId);
    return orchestratorIdOf(caller.agentId);
  }

  /** One notice for each limit, however many report it. */
  async function tellOwner(tx: Tx, { provider, account, type, until }: LimitRow): Promise<void> {
    await core.messages.tell(tx, "user", {
      subject: `${provider} is limited`,
      body: `${provider} refuses account ${account} until ${toTime(until)} (${type}). Its sessions wait, and one tries some time after.`,
    });
  }

  /** Row after a report. A warning lifts no limit. */
  function reported(
    before: LimitRow | undefined,
    body: ParsedLimit,
    at: Account & Pick<LimitRow, "reportedBy">,
  ): Omit<LimitRow, "number"> {
    const { type, evidence, rejected, utilization = null } = body;
    const now = clock.now();
    if (before?.rejected && !rejected) return { ...before, ...at, utilization: utilization ?? before.utilization };
    const fresh = { probeSessionId: null, probeAt: null, tried: [] };
    return {
      ...at,
      type,
      evidence,
      rejected,
      utilization,
      until: fromTime(body.until),
      since: before?.since ?? now,
      ...fresh,
    };
  }

  return {
    /** `PUT /v1/limits/{provider}/{account}`. @throws Problem 403, 409 */
    async put(tx: Tx, caller: Caller, at: Account, body: ParsedLimit): Promise<{ row: Limit; created: boolean }> {
      const by = await requireOrchestrator(tx, caller);
      const before = await store.of(tx, at.provider, at.account);
      const known = before?.reportedBy ?? [];
      await requireOnAccount(tx, by, at, known);
      if (!before && book.size() >= MAX_LIMITS)
        throw new Problem("budget-exceeded", `There are ${MAX_LIMITS} limits: an operator can clear some.`);
      const reportedBy = [...known.filter((id) => id !== by), by].slice(-MAX_REPORTERS);
      const draft = reported(before, body, { ...at, reportedBy });
      const row = before ? await book.save(tx, { ...draft, number: before.number }, before) : await book.add(tx, draft);
      if (!before || body.rejected || !before.rejected) await probes.plan(tx, row);
      if (row.rejected && !before?.rejected) await tellOwner(tx, row);
      return { row: toLimit(row), created: !before };
    },

    /** `DELETE /v1/limits/{provider}/{account}`: all its sessions go on. @throws Problem 403, 404, 409 */
    async clear(tx: Tx, caller: Caller, { provider, account }: Account): Promise<void> {
      const orchestratorId = caller.role === "operator" ? null : await requireOrchestrator(tx, caller);
      if (orchestratorId !== null) await auth.requireLive(tx, caller);
      const row = await store.of(tx, provider, account);
      if (!row) throw new Problem("not-found", `There is no limit of ${provider} for ${account}.`);
      if (orchestratorId !== null && !(await hasTried(tx, row, orchestratorId)))
        throw new Problem(
          "forbidden",
          `No session of ${orchestratorId} was asked to try: an operator, or the orchestrator of one that was, clears it.`,
        );
      await book.remove(tx, row);
      await probes.free(tx, row);
      if (orchestratorId === null) await activity.record(tx, caller, "limit.cleared", `${provider}/${account}`, {});
    },

    /** `GET /v1/limits`: for people and orchestrators. @throws Problem 403, 409 */
    async list(on: ReadTx, caller: Caller, query: PageQuery<number>): Promise<List<Limit>> {
      if (!readsAll(caller)) await requireOrchestrator(on, caller);
      return readList(
        query,
        (count, after = 0) => store.page(on, after, count),
        toLimit,
        ({ number }) => number,
      );
    },
  };

  /** Lets an orchestrator speak of its own accounts, and of one that no other has. @throws Problem 403 */
  async function requireOnAccount(on: ReadTx, by: string, at: Account, known: readonly string[]): Promise<void> {
    const owners = new Set((await sessions.onAccount(on, at.provider, at.account, MAX_SESSIONS)).map(orchestratorOf));
    if (known.includes(by) || owners.has(by) || known.length + owners.size === 0) return;
    throw new Problem(
      "forbidden",
      `No session of ${by} is on account ${at.account} of ${at.provider}: those whose sessions are report its limits.`,
    );
  }

  async function hasTried(on: ReadTx, { tried }: LimitRow, orchestratorId: string): Promise<boolean> {
    for (const id of tried) if ((await sessions.find(on, id))?.orchestratorId === orchestratorId) return true;
    return false;
  }
}

const orchestratorOf = ({ orchestratorId }: { orchestratorId: string }): string => orchestratorId;

type Account = Pick<LimitRow, "provider" | "account">;
