import { createHash } from "node:crypto";
import type { Areas } from "../../core/core.ts";
import type { Author } from "../../core/messages/draft.ts";
import { agentIdOf } from "../../identity/orchestrators/ids.ts";
import type { Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import type { LimitControl } from "../../protocol/sessions.ts";
import { toTime } from "../../protocol/wire.ts";
import type { SessionRow } from "../sessions/row.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { LimitBook } from "./book.ts";
import type { LimitRow } from "./row.ts";
import { limitStore as store } from "./store.ts";

const PROBE = "limit.probe";
/** Silence after which the next session is asked. */
const SILENCE_MS = 120_000;
/** Time to the next round when every session was asked, or none is heard of. */
const ROUND_MS = 300_000;
/** Sessions of one account that are looked at. */
const MAX_SESSIONS = 500;
const SYSTEM: Author = { id: "system", kind: "system", via: null };

export type LimitProbes = ReturnType<typeof createLimitProbes>;

/** Trying whether a provider answers again: one session at a time, some time after the limit should be over. */
export function createLimitProbes(
  { kernel, identity, core, sessions }: Areas & { sessions: Sessions },
  book: LimitBook,
) {
  const { clock, due } = kernel;
  const { orchestrators } = identity;
  const { messages } = core;

  async function tell(tx: Tx, orchestratorId: string, limit: LimitControl, expiresAt?: number): Promise<boolean> {
    const { provider, account } = limit;
    const isProbe = limit.do === "probe";
    const sent = await messages.post(tx, SYSTEM, {
      ...{ to: agentIdOf(orchestratorId), kind: "control", urgent: true },
      subject: `Limit of ${provider}`,
      body: isProbe
        ? `Try with ${limit.sessionId} whether ${provider} answers account ${account} again.`
        : `${provider} answers account ${account} again.`,
      ...(expiresAt !== undefined && { expiresAt: toTime(expiresAt) }),
      payload: { limit },
    });
    return sent !== undefined;
  }

  /** Live sessions of an account whose orchestrators are heard of. */
  async function candidates(tx: Tx, { provider, account, tried }: LimitRow) {
    const all = await sessions.onAccount(tx, provider, account, MAX_SESSIONS);
    const isHere = orchestrators.isHereIn(tx);
    const here = all.filter(({ orchestratorId }) => isHere(orchestratorId));
    return { all, next: here.find(({ id }) => !tried.includes(id)) };
  }

  const keyOf = ({ provider, account }: Account): string => JSON.stringify([provider, account]);

  /** Asks the next session, or begins anew. A limit that no session waits for is over. */
  async function probe(tx: Tx, { key }: DueRow): Promise<void> {
    const [provider, account] = JSON.parse(key) as [string, string];
    const row = await store.of(tx, provider, account);
    if (!row) return;
    const { all, next } = await candidates(tx, row);
    if (!row.rejected || all.length === 0) return book.remove(tx, row);
    if (next) return ask(tx, row, next);
    await book.save(tx, { ...row, tried: [], probeSessionId: null, probeAt: null }, row);
    await due.schedule(tx, PROBE, key, clock.now() + ROUND_MS);
  }

  async function ask(tx: Tx, row: LimitRow, { id: sessionId, orchestratorId }: SessionRow): Promise<void> {
    const { provider, account } = row;
    const now = clock.now();
    await tell(tx, orchestratorId, { provider, account, do: "probe", sessionId }, now + SILENCE_MS);
    const probed = { probeSessionId: sessionId, probeAt: now, tried: [...row.tried, sessionId] };
    await book.save(tx, { ...row, ...probed }, row);
    await due.schedule(tx, PROBE, keyOf(row), now + SILENCE_MS);
  }

  return {
    /** Plans the first probe of a limit, or the end of a warning. */
    plan: (tx: Tx, row: LimitRow): Promise<void> =>
      due.schedule(tx, PROBE, keyOf(row), Math.max(row.until, clock.now()) + (row.rejected ? waitOf(row) : 0)),
    /** Tells every orchestrator with sessions on the account that they may go on. */
    async free(tx: Tx, { provider, account }: Account): Promise<void> {
      await due.cancel(tx, PROBE, keyOf({ provider, account }));
      const all = await sessions.onAccount(tx, provider, account, MAX_SESSIONS);
      for (const orchestratorId of new Set(all.map((session) => session.orchestratorId)))
        await tell(tx, orchestratorId, { provider, account, do: "free", sessionId: null });
    },
    dueHandlers: { [PROBE]: probe },
  };
}

type Account = Pick<LimitRow, "provider" | "account">;

/** 60 to 300 seconds, the same for the same limit: accounts that are limited together are not tried together. */
function waitOf({ provider, account, until }: LimitRow): number {
  const hash = createHash("sha256")
    .update(JSON.stringify([provider, account, until]))
    .digest();
  return (60 + (hash.readUInt32BE(0) % 241)) * 1000;
}
