import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** The operator's secret: as configured, else the one kept in the data folder. */
export const operatorSecret = (dataDir: string, configured: string | undefined): string =>
  configured ?? keptSecret(join(dataDir, "operator.token"));

/**
 * Key of derived secrets, which have to come out the same again: a token asked for twice with one idempotency key.
 * In a file of its own, so that a copy of the database holds no secret.
 */
export const derivationKey = (dataDir: string): string => keptSecret(join(dataDir, "relay.key"));

/** The secret in a file, or a new one, kept there for its owner alone to read. @throws Error for a file of others */
function keptSecret(file: string): string {
  const kept = readOwn(file)?.trim() ?? "";
  if (kept.length >= 20) return kept;
  const secret = `sbx_${randomBytes(32).toString("base64url")}`;
  const draft = `${file}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, `${secret}\n`, { mode: 0o600, flag: "wx" });
  renameSync(draft, file);
  return secret;
}

/** The text of a file that is this user's alone; undefined when there is none. @throws Error for a link or a file of others */
function readOwn(file: string): string | undefined {
  let opened: number;
  try {
    opened = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw code === "ELOOP" ? notOurs(file, "is a link") : error;
  }
  try {
    const stat = fstatSync(opened);
    if (stat.isDirectory()) throw Object.assign(new Error(`${file} is a folder`), { code: "EISDIR" });
    if (!stat.isFile()) throw notOurs(file, "is no file");
    if (stat.uid !== process.getuid?.()) throw notOurs(file, "belongs to another user");
    fchmodSync(opened, 0o600);
    return readFileSync(opened, "utf8");
  } finally {
    closeSync(opened);
  }
}

const notOurs = (file: string, flaw: string): Error =>
  new Error(
    `${file} ${flaw}: a secret is read only from a file of the user who runs the relay. Remove it, or move it away.`,
  );
