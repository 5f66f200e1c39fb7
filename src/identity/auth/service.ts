import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { DueRow } from "../../kernel/due/row.ts";
import { newId } from "../../kernel/ids.ts";
import { type PageQuery, readList } from "../../kernel/pages.ts";
import type { AgentId, InstanceId } from "../../protocol/ids.ts";
import { Problem } from "../../protocol/problem.ts";
import type { NewToken, Paused, RevokedToken, Role, Token } from "../../protocol/tokens.ts";
import type { List } from "../../protocol/wire.ts";
import type { Base } from "../base.ts";
import type { PersonRow } from "../people/row.ts";
import { createBearers, endedMeanwhile } from "./bearers.ts";
import { type Caller, hasEnrolled, isAgent, type Principal, requireOperator } from "./caller.ts";
import { createEnrolled } from "./enrolled.ts";
import { createTokenMaking } from "./making.ts";
import { isWeaker, principalOf } from "./person.ts";
import type { TokenRow } from "./store.ts";
import { freshSecret, hashSecret, wireToken } from "./token.ts";

export type AuthService = ReturnType<typeof createAuthService>;

/** Making and revoking tokens; `bearers.ts` identifies who shows one. */
export function createAuthService(base: Base) {
  const { kernel, activity, rows } = base;
  const { due, clock, hooks } = kernel;
  const { tokens: store } = rows;
  /** A token was revoked or has expired, and that is on disk. */
  const ended = hooks.event<[tokenId: string]>("tokens.ended");
  /**
   * A token ended or became weaker, and pauses those of its webhooks, schedules and pushes that it could not set up with the
   * rights it has left: null for none. `why` is a sentence for their owners.
   */
  const pausing = hooks.event<[tokenId: string, why: string, left: Principal | null]>("tokens.pausing");
  /** An enroller has registered one agent more. */
  const hasNew = hooks.event<[enroller: AgentId]>("tokens.enrolled");
  /** Webhooks, schedules and pushes that were set up with this token. */
  const setUp = hooks.question<[tokenId: string], Paused[]>("tokens.setUp");
  /** The role of a token has changed: its streams have to begin anew. */
  const changed = hooks.event<[tokenId: string]>("tokens.changed");
  const enrolled = createEnrolled();
  const bearers = createBearers(base, enrolled);

  function tell(tokenId: string): void {
    bearers.end(tokenId);
    ended.announce(tokenId);
  }

  /** Pauses what an ended token set up, so that its bearer acts no more. Answers the list. */
  async function pause(tx: Tx, tokenId: string, how: string): Promise<Paused[]> {
    await pausing.raise(tx, tokenId, `Token ${tokenId}, which made it, ${how}.`, null);
    return (await setUp.all(tx, tokenId)).flat();
  }

  async function expire(tx: Tx, { key: tokenId }: DueRow): Promise<void> {
    await pause(tx, tokenId, "has expired");
    tx.afterCommit(() => tell(tokenId));
  }

  async function add(tx: Tx, draft: Partial<TokenRow> & { role: TokenRow["role"] }, secret: string): Promise<NewToken> {
    const hash = hashSecret(secret);
    const row: TokenRow = {
      id: newId("tok", clock.now()),
      agentId: null,
      groups: null,
      prefix: null,
      source: null,
      person: null,
      name: null,
      enrolledBy: null,
      enrolledFor: null,
      sessionId: null,
      signIn: false,
      expiresAt: null,
      lastUsedAt: null,
      revokedAt: null,
      createdBy: null,
      idempotencyKey: null,
      fingerprint: null,
      createdAt: clock.now(),
      ...draft,
      hash,
    };
    await store.add(tx, row);
    if (row.expiresAt !== null) await due.schedule(tx, EXPIRED, row.id, row.expiresAt);
    tx.afterCommit(() => bearers.forget([row]));
    return { ...wireToken(row), token: secret };
  }

  /** Revokes a token, and pauses what it set up. Answers that list. */
  async function revokeRow(tx: Tx, row: TokenRow): Promise<Paused[]> {
    await store.revoke(tx, row.id, clock.now());
    tx.afterCommit(() => {
      bearers.refuse(row);
      tell(row.id);
    });
    return pause(tx, row.id, REVOKED);
  }

  /** Answers the ids of the tokens. */
  async function revokeAll(tx: Tx, tokens: readonly TokenRow[]): Promise<string[]> {
    for (const row of tokens) await revokeRow(tx, row);
    return tokens.map(({ id }) => id);
  }

  /**
   * For verbs whose effect outlasts the call: the token may be revoked in this very commit, or its person have a weaker role.
   * @throws Problem 401, 403
   */
  async function requireLive(on: ReadTx, caller: Pick<Caller, "tokenId" | "role">): Promise<void> {
    const row = await store.byId(on, caller.tokenId);
    if (row && isOver(row, clock.now())) throw endedMeanwhile();
    if (row && row.person !== null && isWeaker(await principalNow(on, row), caller))
      throw new Problem("forbidden", "The role of the token's person became weaker during the call.");
  }

  /** A token as it is now; undefined once it has ended. */
  async function liveNow(on: ReadTx, tokenId: string): Promise<{ row: TokenRow; principal: Principal } | undefined> {
    const row = await store.byId(on, tokenId);
    if (!row || isOver(row, clock.now())) return undefined;
    return { row, principal: await principalNow(on, row) };
  }

  const principalNow = async (on: ReadTx, row: TokenRow): Promise<Principal> =>
    principalOf(row, row.person === null ? undefined : await rows.people.byId(on, row.person));

  /**
   * Sign-ins that a token's links made, and those that these made in turn. An operator's token makes tokens, which stay when
   * it ends, and so do its sign-ins.
   */
  async function signInsFrom(on: ReadTx, token: TokenRow): Promise<TokenRow[]> {
    if (token.person === null || (await principalNow(on, token)).role === "operator") return [];
    const all = await store.everySignInOf(on, token.person);
    const makers = new Set([token.id]);
    // The set grows while it is walked along.
    for (const maker of makers) for (const { id, createdBy } of all) if (createdBy === maker) makers.add(id);
    return all.filter(({ id, revokedAt }) => id !== token.id && makers.has(id) && revokedAt === null);
  }

  const making = createTokenMaking(base, { add, requireLive });

  return {
    authenticate: bearers.authenticate,
    checkStill: bearers.checkStill,

    requireLive,

    /** Identity and rights of a person's token as they are now; undefined once it has ended. */
    principalNow: async (on: ReadTx, tokenId: string): Promise<Principal | undefined> =>
      (await liveNow(on, tokenId))?.principal,

    /**
     * Role of a link's maker, and the time until which a browser may be signed in by it. An operator makes tokens, so its
     * links outlast its own. undefined once the maker has ended.
     */
    async makerNow(on: ReadTx, tokenId: string): Promise<{ role: Role; until: number } | undefined> {
      const found = await liveNow(on, tokenId);
      if (!found) return undefined;
      const { role } = found.principal;
      return { role, until: role === "operator" ? Infinity : (found.row.expiresAt ?? Infinity) };
    },

    /** Whether a token that acts for `enroller` has registered the agent. */
    hasEnrolled: (on: ReadTx, enroller: AgentId, agentId: AgentId): Promise<boolean> =>
      store.hasEnrolled(on, enroller, agentId),

    isManaged: store.isManaged,
    personSince: store.personSince,

    /** Whether a caller acts for an agent: the agent itself, the orchestrator that enrolled it, or an operator in its name. */
    async speaksFor(_on: ReadTx, caller: Caller, agentId: AgentId): Promise<boolean> {
      if (caller.role === "operator" || (isAgent(caller) && caller.agentId === agentId)) return true;
      return hasEnrolled(caller, agentId);
    },

    create: making.create,
    /** Whether a session is an agent's, and of this orchestrator's. */
    sessionOf: making.sessionOf,

    /** The token of an agent that an enroll token has just registered: it may join no groups. */
    async enroll(tx: Tx, caller: Caller, agentId: AgentId, instanceId: InstanceId | null): Promise<string> {
      await requireLive(tx, caller);
      const row = { role: "agent" as const, agentId, groups: [], enrolledBy: caller.tokenId, enrolledFor: instanceId };
      const { token } = await add(tx, row, freshSecret());
      const enroller = caller.agentId;
      if (enroller !== null) {
        tx.afterCommit(() => enrolled.add(enroller, agentId));
        await hasNew.raise(tx, enroller);
      }
      return token;
    },
    enrolled,
    hasNew,
    /** Fills the copy in memory. Called once, before anything is asked. */
    async load(on: ReadTx): Promise<void> {
      for (const { enroller, agentId } of await store.enrolments(on)) enrolled.add(enroller, agentId);
    },

    /**
     * Takes back an enrolled agent's unused token, so that a client that lost the answer gets another.
     * Answers false when it was used, or belongs to another caller. A restored agent has no token: the orchestrator that
     * enrolled it may enroll it again.
     */
    async takeBackUnused(tx: Tx, caller: Caller, agentId: AgentId, instanceId: InstanceId | null): Promise<boolean> {
      const rows = (await store.liveOf(tx, agentId)).filter(({ sessionId }) => sessionId === null);
      if (rows.length === 0 && caller.role === "orchestrator" && caller.agentId !== null)
        return store.hasEnrolled(tx, caller.agentId, agentId);
      const mine = rows.filter((row) => row.enrolledBy === caller.tokenId && row.enrolledFor === instanceId);
      if (mine.length === 0 || rows.some((row) => row.lastUsedAt !== null)) return false;
      for (const row of mine) await revokeRow(tx, row);
      return true;
    },

    /** `DELETE /v1/tokens/{id}`: its streams are closed at once, and what it set up is paused. @throws Problem 403, 404 */
    async revoke(tx: Tx, caller: Caller, id: string): Promise<RevokedToken> {
      requireOperator(caller);
      const row = (await store.byId(tx, id)) ?? Problem.missing("token", id);
      if (row.revokedAt !== null) return { ...wireToken(row), paused: await pause(tx, id, REVOKED) };
      if (isRelaysOwn(row))
        throw new Problem("conflict", "This is the relay's own operator token; change SIGNALBOX_TOKEN or its file.");
      const signIns = await signInsFrom(tx, row);
      const paused: Paused[] = [];
      for (const one of [row, ...signIns]) paused.push(...(await revokeRow(tx, one)));
      const { role, agentId } = row;
      const signedOut = signIns.map(({ id }) => id);
      await activity.record(tx, caller, "token.revoked", id, { role, agentId, paused, signedOut });
      return { ...wireToken({ ...row, revokedAt: clock.now() }), paused };
    },

    revokeAllOf: async (tx: Tx, agentId: string): Promise<string[]> => revokeAll(tx, await store.liveOf(tx, agentId)),

    /** Revokes the tokens that were made for a session. */
    revokeAllOfSession: async (tx: Tx, sessionId: string): Promise<string[]> =>
      revokeAll(tx, await store.ofSession(tx, sessionId)),

    /** Revokes the tokens of a removed integration: a later one of its name gets its own. */
    revokeAllFor: async (tx: Tx, source: string): Promise<string[]> => revokeAll(tx, await store.liveFor(tx, source)),

    /** Revokes the tokens of a deleted person. */
    revokeAllOfPerson: async (tx: Tx, personId: string): Promise<string[]> =>
      revokeAll(tx, await store.ofPerson(tx, personId)),

    /** The token of a browser that signs in. */
    signIn: (
      tx: Tx,
      draft: Pick<TokenRow, "role" | "person" | "createdBy" | "name" | "expiresAt">,
    ): Promise<NewToken> => add(tx, { ...draft, agentId: null, signIn: true }, freshSecret()),

    /** Ends one sign-in. Answers the ids of those that ended. */
    async endSignIn(tx: Tx, id: string): Promise<string[]> {
      const row = await store.byId(tx, id);
      return row?.signIn && row.revokedAt === null ? revokeAll(tx, [row]) : [];
    },

    /** Ends every sign-in of a person, or of nobody in particular. Answers their ids. */
    endSignIns: async (tx: Tx, person: string | null): Promise<string[]> =>
      revokeAll(tx, await store.signInsOf(tx, person)),

    /**
     * Reads the tokens of a person anew, whose role has changed. Their streams are closed, and begin again. Weaker ones keep of
     * the things that they set up those that they still could.
     */
    async changeRole(tx: Tx, before: PersonRow, person: PersonRow): Promise<void> {
      const rows = await store.ofPerson(tx, person.id);
      for (const row of rows) {
        const left = principalOf(row, person);
        if (!isWeaker(left, principalOf(row, before))) continue;
        await pausing.raise(tx, row.id, `Token ${row.id}, which made it, is now a ${left.role}'s.`, left);
      }
      tx.afterCommit(() => {
        bearers.forget(rows);
        for (const { id } of rows) changed.announce(id);
      });
    },

    changed,
    ended,
    pausing,
    setUp,
    dueHandlers: { [EXPIRED]: expire },

    async list(
      on: ReadTx,
      caller: Caller,
      query: PageQuery<string> & { agent?: string | undefined },
    ): Promise<List<Token>> {
      requireOperator(caller);
      return readList(
        query,
        (count, before) => store.page(on, query.agent, before, count),
        wireToken,
        ({ id }) => id,
      );
    },

    /** Makes the given secret an operator token, if it is not one; older secrets of the relay itself are revoked. */
    async adoptOperator(tx: Tx, secret: string): Promise<void> {
      const hash = hashSecret(secret);
      const rows = (await store.liveOf(tx, "user")).filter(isRelaysOwn);
      for (const row of rows) if (row.hash !== hash) await revokeRow(tx, row);
      const known = await store.byHash(tx, hash);
      if (!known) await add(tx, { role: "operator", agentId: "user", name: OPERATOR_NAME }, secret);
      else if (known.role !== "operator") throw new Error(`SIGNALBOX_TOKEN is in use as a token of role ${known.role}`);
      else if (known.revokedAt !== null) await store.revive(tx, known.id);
    },
  };
}

const isOver = ({ revokedAt, expiresAt }: TokenRow, now: number): boolean =>
  revokedAt !== null || (expiresAt !== null && expiresAt <= now);

const REVOKED = "was revoked";
const OPERATOR_NAME = "relay operator";
/** Made by the relay for itself: those made over the API have no agent. */
const isRelaysOwn = (row: TokenRow): boolean => row.name === OPERATOR_NAME && row.agentId === "user";
/** The due row of a token that expires: its streams are closed then. */
const EXPIRED = "token.expired";
