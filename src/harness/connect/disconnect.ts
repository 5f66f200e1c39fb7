import { dirname } from "node:path";
import { type Client, createClient } from "../../client/client.ts";
import { harnessChanges, keysFileIn, type Scope } from "../config/changes.ts";
import { type Change, carryOut } from "../config/files.ts";
import { personalFolders } from "../folders.ts";
import { findKeys, type Keys, keysFile, keysFolder, removeKeys } from "../keys.ts";
import { areOurs } from "./agent-keys.ts";
import type { ConnectRequest, Plan } from "./connect.ts";

/** `agentId`: by default the one whose keys the harness's files name. */
export type DisconnectRequest = Omit<ConnectRequest, "hooks">;

/** Result of a disconnect. */
export interface Disconnection {
  agentId: string | null;
  /** Changed files of the harness. */
  files: string[];
  /** Steps left to a person, one sentence each. */
  left: string[];
}

/**
 * Takes back everything that `connect` wrote, and ends the agent's token. The agent stays, with its messages.
 * @param operator a caller that may end tokens; when it throws, that is left to a person
 * @param approve says whether to carry out the plan
 * @returns `undefined` when the plan was not approved
 */
export async function disconnect(
  { harness, scope, agentId }: DisconnectRequest,
  operator: () => Client,
  approve: (plan: Plan) => boolean,
): Promise<Disconnection | undefined> {
  const changes = harnessChanges(harness, scope, undefined);
  const { signalbox } = personalFolders();
  const file = agentId ? keysFile(signalbox, harness, agentId) : ownKeysFile(changes, scope);
  const keys = file === undefined ? undefined : findKeys(file);
  if (!approve({ changes, keysFile: keys && file })) return undefined;
  for (const change of changes) carryOut(change);
  const left = keys && file ? await giveBack(keys, file, operator) : [];
  const files = changes.filter(({ before, after }) => before !== after).map((change) => change.file);
  return { agentId: keys?.agentId ?? null, files, left };
}

/** Finds the keys that a harness's entries name. A project's files may come from anyone, so keys of other places do not count. */
function ownKeysFile(changes: readonly Change[], scope: Scope): string | undefined {
  const file = keysFileIn(changes);
  if (file === undefined || dirname(file) !== keysFolder(personalFolders().signalbox)) return undefined;
  const keys = findKeys(file);
  return keys && areOurs(keys, scope) ? file : undefined;
}

/** Ends the agent's token, unless a person gave it. @returns the steps left to a person */
async function giveBack(keys: Keys, file: string, operator: () => Client): Promise<string[]> {
  const left: string[] = [];
  await createClient(keys)
    .agents.patch(keys.agentId, { reach: "asked" }, { retries: 0 })
    .catch(() => undefined);
  try {
    if (!keys.given) await operator().tokens.revoke(keys.tokenId);
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    left.push(
      `The token ${keys.tokenId} may still be good (${reason}): an operator ends it with signalbox tokens revoke ${keys.tokenId}`,
    );
  }
  removeKeys(file);
  return left;
}
