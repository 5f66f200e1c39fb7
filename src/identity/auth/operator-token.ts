import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The operator's secret: as configured, else the one kept in the data folder. */
export const operatorSecret = (dataDir: string, configured: string | undefined): string =>
  configured ?? keptSecret(join(dataDir, "operator.token"));

/**
 * What secrets are derived from that have to come out the same again: a token asked for twice with one idempotency key.
 * In a file of its own, so that a copy of the database holds no secret.
 */
export const derivationKey = (dataDir: string): string => keptSecret(join(dataDir, "relay.key"));

/** The secret in a file, or a new one, kept there for its owner alone to read. */
function keptSecret(file: string): string {
  if (existsSync(file)) {
    chmodSync(file, 0o600);
    const kept = readFileSync(file, "utf8").trim();
    if (kept.length >= 20) return kept;
  }
  const secret = `sbx_${randomBytes(32).toString("base64url")}`;
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return secret;
}
