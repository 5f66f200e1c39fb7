import { randomBytes } from "node:crypto";
import type { Token } from "../../protocol/tokens.ts";
import { toTime, toTimeOrNull } from "../../protocol/wire.ts";
import type { TokenRow } from "./store.ts";

export const freshSecret = (): string => `sbx_${randomBytes(32).toString("base64url")}`;
export const hashSecret = (secret: string): string => Bun.SHA256.hash(secret, "base64url");

/** A token as it goes out, without its secret. */
export function wireToken(row: TokenRow): Token {
  const { id, role, agentId, groups, prefix, source, person: personId, sessionId, signIn, name } = row;
  return {
    ...{ id, role, agentId, groups, prefix, source, personId, sessionId, signIn, name },
    createdAt: toTime(row.createdAt),
    expiresAt: toTimeOrNull(row.expiresAt),
    lastUsedAt: toTimeOrNull(row.lastUsedAt),
    revokedAt: toTimeOrNull(row.revokedAt),
  };
}
