import { lstatSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { RelayProblem } from "../../client/errors.ts";
import { untilAnswered } from "../../client/until-answered.ts";
import { DaemonError } from "../errors.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { Services } from "../services.ts";

const MAX_BYTES = 100 * 1024 * 1024;

/** Folder of a session for files that come with messages. */
const inboxOf = ({ cwd, id }: SessionRow): string => join(cwd, ".signalbox", id);

/**
 * Makes the folder. A repository, or an agent, may have put a link in its place: nothing is written where that leads.
 * @throws DaemonError
 */
function openInbox(session: SessionRow): string {
  const folder = inboxOf(session);
  for (const place of [dirname(folder), folder]) {
    const there = lstatSync(place, { throwIfNoEntry: false });
    if (!there) mkdirSync(place, { mode: 0o700 });
    else if (!there.isDirectory()) throw new DaemonError(`${place} is no folder of its own.`);
  }
  return folder;
}

/** Downloads files into the session's folder. One that is missing is said in the prompt. */
export async function fetchFiles(
  { link, time, life, log }: Services,
  { agentId, session, ids }: { agentId: string; session: SessionRow; ids: readonly string[] },
): Promise<{ lines: string[]; images: string[] }> {
  const [lines, images]: [string[], string[]] = [[], []];
  const { client } = link.of(agentId);
  for (const id of ids) {
    try {
      const { bytes, name, type } = await untilAnswered(time, () => client.files.get(id), life);
      const path = join(openInbox(session), `${id}-${safeName(name)}`);
      rmSync(path, { force: true });
      writeFileSync(path, bytes, { mode: 0o600, flag: "wx" });
      lines.push(`File: ${path}`);
      if (type.startsWith("image/")) images.push(path);
    } catch (error) {
      if (!(error instanceof RelayProblem || error instanceof DaemonError)) throw error;
      log(`File ${id} could not be fetched: ${error.message}`);
      lines.push(`A file that came with it (${id}) could not be fetched. Say so if it matters.`);
    }
  }
  return { lines, images };
}

/** Others choose names of files: what could be read as anything else is left out. */
const safeName = (name: string): string =>
  basename(name)
    .replace(/[^A-Za-z0-9._-]+/g, "_")
    .replace(/^[._]+/, "")
    .slice(0, 80) || "file";

/** Uploads the files that an answer names. Paths that lead out of the workspace, or nowhere, are returned as missing. */
export async function uploadFiles(
  { link, time, life, config }: Services,
  { agentId, cwd, paths }: { agentId: string; cwd: string; paths: readonly string[] },
): Promise<{ ids: string[]; missing: string[] }> {
  const [ids, missing]: [string[], string[]] = [[], []];
  const { client } = link.of(agentId);
  for (const path of paths) {
    const bytes = readInside(config.workspace, isAbsolute(path) ? path : resolve(cwd, path));
    if (!bytes) {
      missing.push(path);
      continue;
    }
    try {
      const file = await untilAnswered(
        time,
        () => client.files.put(bytes, { name: basename(path), type: typeOf(path) }, { agentId }),
        life,
      );
      ids.push(file.id);
    } catch (error) {
      if (!(error instanceof RelayProblem)) throw error;
      missing.push(`${path} (${error.message})`);
    }
  }
  return { ids, missing };
}

function readInside(workspace: string, path: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const real = realpathSync(path);
    const root = realpathSync(workspace);
    if (real !== root && !real.startsWith(`${root}/`)) return undefined;
    const seen = statSync(real);
    // A pipe, and a device, might never end.
    return !seen.isFile() || seen.size > MAX_BYTES ? undefined : new Uint8Array(readFileSync(real));
  } catch {
    return undefined;
  }
}

const typeOf = (path: string): string => Bun.file(path).type.split(";", 1)[0] ?? "application/octet-stream";
