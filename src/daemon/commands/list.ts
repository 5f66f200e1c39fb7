import { HarnessError } from "../../harness/errors.ts";
import { plainText } from "../../harness/providers/process/plain-text.ts";
import type { ForeignSession as NativeOne } from "../../harness/providers/provider.ts";
import { type ForeignSession, MAX_FOREIGN } from "../../protocol/command-results.ts";
import type { CommandOf } from "../../protocol/commands.ts";
import { toTimeOrNull } from "../../protocol/wire.ts";
import { counted } from "../counted.ts";
import { DaemonError } from "../errors.ts";
import { type Runnable, runnableOf, type Services } from "../services.ts";
import { folderIn } from "./folders.ts";
import type { Done } from "./hands.ts";

const ABOUT_CHARS = 120;
/** Half of what an answer has room for. */
const MAX_BYTES = 32 * 1024;

interface Found {
  provider: string;
  sessions: NativeOne[];
  error?: string;
}

/** Lists the sessions that its CLIs keep and that this daemon did not begin: the newest, as far as the answer has room. */
export async function list(services: Services, { provider: only }: CommandOf<"list">): Promise<Done> {
  const asked = only === undefined ? [...services.providers.values()] : [runnableOf(services, only)];
  const found = await Promise.all(asked.map((one) => foreignOf(services, one)));
  const failed = found.flatMap(({ provider, error }) => (error === undefined ? [] : [{ provider, error }]));
  if (failed.length === asked.length) throw new DaemonError(failed.map(({ error }) => error).join(" "));
  const ours = services.journal.sessions.nativeIds();
  const all = found
    .flatMap(({ provider, sessions }) => sessions.map((one) => ({ ...one, provider })))
    .filter(({ nativeId }) => !ours.has(nativeId) && isPlain(nativeId, 256))
    .sort((a, b) => (b.startedAt ?? 0) - (a.startedAt ?? 0));
  const foreign = fitting(all.slice(0, MAX_FOREIGN).map((one) => shown(services, one)));
  const omitted = all.length - foreign.length;
  return {
    ...{ foreign, text: textOf(foreign.length, omitted) },
    ...(omitted > 0 && { omitted }),
    ...(failed.length > 0 && { failed }),
  };
}

async function foreignOf({ log }: Services, { config, provider }: Runnable): Promise<Found> {
  try {
    return { provider: config.name, sessions: (await provider.listForeign?.()) ?? [] };
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    if (!(error instanceof HarnessError)) log(`The sessions of ${config.name} could not be listed: ${said}`);
    return { provider: config.name, sessions: [], error: plainText(said).slice(0, 500) };
  }
}

function shown({ config }: Services, one: NativeOne & { provider: string }): ForeignSession {
  const { provider, nativeId, isOpen, startedAt } = one;
  const cwd = one.cwd !== null && isPlain(one.cwd, 4096) ? one.cwd : null;
  const about = plainText(one.name ?? "")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, ABOUT_CHARS)
    .toWellFormed();
  const inWorkspace = cwd !== null && isBelow(config.workspace, cwd);
  return {
    ...{ provider, nativeId, cwd, about: about || null, isOpen, inWorkspace },
    startedAt: toTimeOrNull(startedAt),
  };
}

function isBelow(workspace: string, cwd: string): boolean {
  try {
    return folderIn(workspace, cwd) !== "";
  } catch {
    return false;
  }
}

/** Whether a text of a CLI may be named again as it is, in a command line and in JSON. */
const isPlain = (text: string, most: number): boolean =>
  text !== "" && text.length <= most && plainText(text) === text && text.isWellFormed() && !/[\n\t]/.test(text);

function fitting(all: ForeignSession[]): ForeignSession[] {
  let bytes = 0;
  return all.filter((one) => {
    bytes += Buffer.byteLength(JSON.stringify(one));
    return bytes <= MAX_BYTES;
  });
}

function textOf(shownCount: number, omitted: number): string {
  if (shownCount === 0) return "No sessions are there that others began.";
  const older = omitted > 0 ? `, and ${omitted} older ones` : "";
  return `${counted(shownCount, "session")} that others began${older}.`;
}
