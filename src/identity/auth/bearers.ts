import { Problem } from "../../protocol/problem.ts";
import type { Base } from "../base.ts";
import type { Caller, Principal } from "./caller.ts";
import type { Enrolled } from "./enrolled.ts";
import { principalOf } from "./person.ts";
import type { TokenRow } from "./store.ts";
import { hashSecret } from "./token.ts";

interface Known {
  principal: Principal;
  expiresAt: number | null;
  firstUse: boolean;
}

/** Remembered secrets, refused ones too: their number is bounded, as any caller can make them. */
const MAX_REMEMBERED = 50_000;

/** Bearers of tokens: each secret is read once, and remembered until its token changes. */
export function createBearers({ kernel, rows }: Base, enrolled: Enrolled) {
  const { db, clock } = kernel;
  const { tokens: store, people } = rows;
  const known = new Map<string, Known | null>();
  /** Changes of tokens and of people's roles: a token whose row was read before one is read again. */
  let changes = 0;
  /** Tokens revoked or expired since the start: their calls under way end. */
  const over = new Set<string>();

  async function look(hash: string): Promise<Known | null> {
    const [row, person] = await db.read(async (on) => {
      const token = await store.byHash(on, hash);
      return [token, token?.person == null ? undefined : await people.byId(on, token.person)] as const;
    });
    if (!row || row.revokedAt !== null) return null;
    const principal = principalOf(row, person);
    if (principal.role === "orchestrator" && principal.agentId !== null)
      principal.enrolled = enrolled.follow(principal.agentId);
    return { principal, expiresAt: row.expiresAt, firstUse: row.lastUsedAt === null };
  }

  /** An enrolled agent's token can be asked for again until it was used: so its first use has to be on disk. */
  async function noteFirstUse(found: Known): Promise<void> {
    found.firstUse = false;
    await db.write((tx) => store.used(tx, found.principal.tokenId, clock.now()));
  }

  async function lookAnew(hash: string): Promise<Principal> {
    let found: Known | null;
    let before: number;
    do {
      before = changes;
      found = await look(hash);
    } while (before !== changes);
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(hash, found);
    return principalIn(found);
  }

  /** @throws Problem 401 */
  function principalIn(found: Known | null): Promise<Principal> | Principal {
    if (found === null || (found.expiresAt !== null && found.expiresAt <= clock.now()))
      throw new Problem("unauthorized", "The token is unknown, revoked or expired.");
    return found.firstUse ? noteFirstUse(found).then(() => found.principal) : found.principal;
  }

  return {
    /** At once for a secret that was shown before. @throws Problem 401 */
    authenticate(secret: string): Promise<Principal> | Principal {
      const hash = hashSecret(secret);
      const found = known.get(hash);
      return found === undefined ? lookAnew(hash) : principalIn(found);
    },

    /** Checks the token again in a long call. @throws Problem 401 */
    checkStill({ tokenId }: Pick<Caller, "tokenId">): void {
      if (over.has(tokenId)) throw endedMeanwhile();
    },

    /** Reads these tokens anew at their next use. */
    forget(tokens: readonly Pick<TokenRow, "hash">[]): void {
      changes++;
      for (const { hash } of tokens) known.delete(hash);
    },

    /** Refuses a revoked token from now on. */
    refuse({ hash }: Pick<TokenRow, "hash">): void {
      changes++;
      known.set(hash, null);
    },

    /** Ends the calls of a token that was revoked or has expired. */
    end: (tokenId: string): void => void over.add(tokenId),
  };
}

export const endedMeanwhile = () =>
  new Problem("unauthorized", "The token was revoked or has expired during the call.");
