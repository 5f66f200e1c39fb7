import { lstatSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const MARK = ".relay";
/** Names of files and folders that a relay creates. */
const OURS = [
  ...["signalbox.db", "signalbox.db-wal", "signalbox.db-shm", "signalbox.db.lock", "signalbox.db.restoring"],
  ...["operator.token", "relay.key", "server.json", "server.json.new", "files", "backups", MARK],
];

/**
 * Creates the data folder, or checks that the relay may use it. Without a configured folder the relay uses one below its
 * working directory, which may be a stranger's repository with a database, tokens and links of its own. Such a folder is
 * used only if a relay created it here: its mark holds inode and birth time, which no archive or repository can carry.
 *
 * @param isNamed the operator gave the folder by flag, environment or file
 * @throws Error with the way out
 */
export function claimFolder(folder: string, isNamed: boolean): void {
  const flaw = isNamed ? undefined : flawOf(folder);
  if (flaw)
    throw new Error(
      `The data folder ${folder} is not used: ${flaw}, and nobody named it. Whoever made it could have put tokens into it. ` +
        `If it is yours, name it with --data ${folder} or SIGNALBOX_DATA_DIR; else give another one.`,
    );
  makeFolder(folder);
  if (isMarked(folder)) return;
  rmSync(join(folder, MARK), { force: true, recursive: true });
  mark(folder);
}

/** Creates a missing data folder, and marks it as created here. */
export function makeFolder(folder: string): void {
  const isNew = mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined;
  if (isNew) mark(folder);
}

/** Reason to distrust a folder that no setting names; `undefined` for none. */
function flawOf(folder: string): string | undefined {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (!stat) return undefined;
  if (stat.isSymbolicLink()) return "it is a link";
  if (!stat.isDirectory()) return undefined;
  if (stat.uid !== process.getuid?.()) return "it belongs to another user";
  if (stat.mode & 0o002) return "every user may write there";
  if (isMarked(folder)) return undefined;
  const found = OURS.find((name) => lstatSync(join(folder, name), { throwIfNoEntry: false }));
  return (
    found && `it has ${found === MARK ? "another folder's mark" : `a ${found} already`}, which no relay has made here`
  );
}

function isMarked(folder: string): boolean {
  const file = join(folder, MARK);
  const isFile = lstatSync(file, { throwIfNoEntry: false })?.isFile();
  return isFile === true && readFileSync(file, "utf8") === birthOf(folder);
}

const mark = (folder: string): void => writeFileSync(join(folder, MARK), birthOf(folder), { mode: 0o600, flag: "wx" });

function birthOf(folder: string): string {
  const { ino, birthtimeNs } = statSync(folder, { bigint: true });
  return `${ino} ${birthtimeNs}\n`;
}
