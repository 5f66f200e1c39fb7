import { harnessChanges, type Scope } from "../config/changes.ts";
import { type Change, carryOut } from "../config/files.ts";
import { HarnessError } from "../errors.ts";
import { personalFolders } from "../folders.ts";
import type { Harness } from "../harnesses.ts";
import { findKeys, type Keys, keysFile, removeKeys, writeKeys } from "../keys.ts";
import { writeLauncher } from "../launcher.ts";
import {
  type Authorization,
  agentIdFor,
  authorize,
  NameTaken,
  obtainKeys,
  placeOf,
  type Wanted,
} from "./agent-keys.ts";
import { probe } from "./probe.ts";
import type { Relay } from "./relay.ts";

export interface ConnectRequest {
  harness: Harness;
  scope: Scope;
  /** The agent's id; by default made of the harness and the place. */
  agentId: string | undefined;
  hooks: boolean;
}

/** Files that a connection or its removal would change, for a person to agree to. */
export interface Plan {
  changes: readonly Change[];
  /** File of the agent's keys; `undefined` when it stays as it is. */
  keysFile: string | undefined;
}

export interface ConnectOptions {
  /** @returns whether to write the plan's changes */
  approve(plan: Plan): boolean;
  /** Command line that starts this program, for the launcher. */
  program: readonly string[];
}

/** An agent that a harness on this machine now is. */
export interface Connection {
  agentId: string;
  url: string;
  /** `idle`: hooks reach the agent when it stops. `asked`: it reads when it calls a tool. */
  reach: Wanted["reach"];
  keysFile: string;
  files: string[];
}

/**
 * Makes a harness on this machine an agent of the relay. A failure takes back everything that was written.
 * @returns `undefined` when the plan was not approved
 * @throws HarnessError, RelayProblem, RelayUnreachable
 */
export async function connect(
  request: ConnectRequest,
  relay: Relay,
  options: ConnectOptions,
): Promise<Connection | undefined> {
  const { harness, scope, agentId, hooks } = request;
  const wanted: Wanted = { harness, scope, agentId, reach: hooks ? "idle" : "asked" };
  const by = await authorize(relay);
  const taken = new Set<string>();
  for (;;) {
    const id = await agentIdFor(wanted, by, taken);
    try {
      return await connectAs(id, wanted, by, options);
    } catch (error) {
      if (!(error instanceof NameTaken)) throw error;
      taken.add(id);
    }
  }
}

/** @throws NameTaken before anything is written */
async function connectAs(
  agentId: string,
  wanted: Wanted,
  by: Authorization,
  { approve, program }: ConnectOptions,
): Promise<Connection | undefined> {
  const { harness, scope, reach } = wanted;
  const { url, client } = by;
  const { signalbox } = personalFolders();
  const file = keysFile(signalbox, harness, agentId);
  const changes = harnessChanges(harness, scope, { harness, url, keysFile: file, hooks: reach === "idle" });
  if (!approve({ changes, keysFile: file })) return undefined;
  const before = findKeys(file);
  const { keys, isNew } = await obtainKeys(file, agentId, wanted, by);
  try {
    writeKeys(file, { ...keys, place: placeOf(scope) });
    writeLauncher(signalbox, program);
    for (const change of changes) carryOut(change);
    await probe(keys);
  } catch (error) {
    for (const change of changes) undo(change);
    if (isNew) {
      restoreKeys(file, before);
      if (!keys.given) await client.tokens.revoke(keys.tokenId).catch(() => undefined);
    }
    throw error;
  }
  return { agentId, url, reach, keysFile: file, files: changes.map((change) => change.file) };
}

/** Restores a file, unless it was never written or somebody else has written it since. */
function undo({ file, before, after }: Change): void {
  try {
    carryOut({ file, before: after, after: before });
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
  }
}

function restoreKeys(file: string, before: Keys | undefined): void {
  if (before) writeKeys(file, before);
  else removeKeys(file);
}
