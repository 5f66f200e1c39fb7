import { createHash, createHmac } from "node:crypto";
import type { ReadTx, Tx } from "../../kernel/db/database.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { Problem } from "../../protocol/problem.ts";
import type { NewToken, TokenDraft } from "../../protocol/tokens.ts";
import { fromTime } from "../../protocol/wire.ts";
import { deleted } from "../agents/deleted.ts";
import type { Base } from "../base.ts";
import { type Caller, hasEnrolled, requireOperator } from "./caller.ts";
import { checkPerson } from "./person.ts";
import type { TokenRow } from "./store.ts";
import { freshSecret, wireToken } from "./token.ts";

interface Parts {
  add(tx: Tx, row: Partial<TokenRow> & Pick<TokenRow, "role">, secret: string): Promise<NewToken>;
  requireLive(on: ReadTx, caller: Caller): Promise<void>;
}

/** Making tokens: by operators, and by orchestrators for the sessions that they run. */
export function createTokenMaking({ kernel, directory, activity, rows }: Base, { add, requireLive }: Parts) {
  const { clock, hooks, key } = kernel;
  const { tokens: store, people } = rows;
  /** True for a live session of an agent; of this orchestrator's agent, unless that is null. */
  const sessionOf = hooks.question<[sessionId: string, agentId: AgentId, orchestrator: AgentId | null], true>(
    "tokens.sessionOf",
  );

  /** The same key and content give the same token, secret and all. @throws Problem 422 */
  async function replayed(tx: Tx, caller: Caller, idempotencyKey: string, fingerprint: string) {
    const row = await store.byKey(tx, caller.tokenId, idempotencyKey);
    if (!row) return undefined;
    if (row.fingerprint !== fingerprint) Problem.keyReused(idempotencyKey);
    return { ...wireToken(row), token: derived(caller, idempotencyKey, fingerprint) };
  }

  /** Derived, because only the hash of a secret is stored, and the same request has to be answered with it again. */
  const derived = (caller: Caller, idempotencyKey: string, fingerprint: string): string => {
    const request = JSON.stringify([caller.tokenId, idempotencyKey, fingerprint]);
    return `sbx_${createHmac("sha256", key).update(request).digest("base64url")}`;
  };

  /** @throws Problem 409 when tokens other than these act for the agent */
  async function requireNone(on: ReadTx, agentId: string, but: readonly string[]): Promise<void> {
    const rows = await store.liveOf(on, agentId);
    const others = rows.filter(
      ({ id, expiresAt }) => !but.includes(id) && (expiresAt === null || expiresAt > clock.now()),
    );
    if (others.length > 0)
      throw new Problem("conflict", `${agentId} has a token already. Choose another agent, or leave noneBut out.`);
  }

  /** @throws Problem 403, 422 */
  async function requireSession(on: ReadTx, caller: Caller, { agentId = "", groups }: TokenDraft, sessionId: string) {
    if (caller.role !== "operator" && !hasEnrolled(caller, agentId))
      throw new Problem(
        "forbidden",
        "A token for a session is made by an operator, or by the orchestrator of its agent.",
      );
    if (caller.role !== "operator" && groups?.length)
      throw new Problem("forbidden", "/groups: an operator alone lets a session join groups. Leave them out.");
    const orchestrator = caller.role === "operator" ? null : caller.agentId;
    if (await sessionOf.first(on, sessionId, agentId, orchestrator)) return;
    throw Problem.invalid("/sessionId", `is no live session of ${agentId} that you run: report it first`);
  }

  return {
    sessionOf,

    /** `POST /v1/tokens`. @throws Problem 403, 409, 422 */
    async create(tx: Tx, caller: Caller, draft: TokenDraft, idempotencyKey?: string) {
      if (draft.sessionId === undefined) requireOperator(caller);
      else await requireSession(tx, caller, draft, draft.sessionId);
      await requireLive(tx, caller);
      const fingerprint = createHash("sha256").update(JSON.stringify(draft)).digest("base64url");
      const replay = idempotencyKey ? await replayed(tx, caller, idempotencyKey, fingerprint) : undefined;
      if (replay) return { made: replay, replayed: true };
      const holder = draft.agentId === undefined ? undefined : directory.facts(tx, draft.agentId);
      if (holder && holder.deletedAt !== null) throw deleted(holder.id);
      const person = draft.personId === undefined ? undefined : await people.byId(tx, draft.personId);
      if (draft.personId !== undefined) checkPerson(person, draft.personId, draft.role);
      if (draft.noneBut && draft.agentId !== undefined) await requireNone(tx, draft.agentId, draft.noneBut);
      const origin = { createdBy: caller.tokenId, idempotencyKey: idempotencyKey ?? null, fingerprint };
      const secret = idempotencyKey ? derived(caller, idempotencyKey, fingerprint) : freshSecret();
      const row = {
        ...origin,
        role: draft.role,
        agentId: draft.agentId ?? null,
        groups: draft.groups ?? (draft.sessionId === undefined ? null : []),
        sessionId: draft.sessionId ?? null,
        prefix: draft.prefix ?? null,
        source: draft.source ?? null,
        person: draft.personId ?? null,
        name: draft.name ?? null,
        expiresAt: draft.expiresAt ? fromTime(draft.expiresAt) : null,
      };
      const made = await add(tx, row, secret);
      await activity.record(tx, caller, "token.created", made.id, {
        ...{ role: made.role, agentId: made.agentId, personId: made.personId },
        ...(row.sessionId !== null && { sessionId: row.sessionId }),
      });
      return { made, replayed: false };
    },
  };
}
