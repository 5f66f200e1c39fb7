import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { basename } from "node:path";
import { type Client, createClient, RelayProblem } from "../../client/client.ts";
import { everyItem } from "../../client/pages.ts";
import type { WhoAmI } from "../../protocol/tokens.ts";
import type { Scope } from "../config/changes.ts";
import { HarnessError } from "../errors.ts";
import { personalFolders } from "../folders.ts";
import { type Harness, titleOf } from "../harnesses.ts";
import { findKeys, type Keys, keysFile } from "../keys.ts";
import type { Relay } from "./relay.ts";

/** The agent requested from `connect`. */
export interface Wanted {
  harness: Harness;
  scope: Scope;
  /** Id chosen by the person; `undefined` lets `connect` choose. */
  agentId: string | undefined;
  reach: "idle" | "asked";
}

/** Keys for the agent, and whether a later failure takes them back. */
export interface KeysResult {
  keys: Keys;
  isNew: boolean;
}

/** A relay, and the identity of the token that authorizes the connection. */
export interface Authorization extends Relay {
  who: WhoAmI | undefined;
}

/**
 * Asks the relay for the identity of the given token. Without a token, existing keys are enough (`who` undefined).
 * @throws HarnessError for a token that makes no agent, RelayProblem 401
 */
export async function authorize(relay: Relay): Promise<Authorization> {
  if (relay.token === undefined) return { ...relay, who: undefined };
  const who = await relay.client.whoami();
  if (who.role === "operator" || who.role === "enroll" || who.role === "agent") return { ...relay, who };
  throw new HarnessError(
    "usage",
    `A token of role ${who.role} connects no agent: give an operator's, one of role enroll, or the agent's own (--token)`,
  );
}

/** Place that an agent is connected from, as its keys store it. */
export const placeOf = (scope: Scope): string => (scope === "project" ? process.cwd() : "user");

/** Whether keys belong to this place, or to a folder that is gone: perhaps this one, before it was moved. */
export const areOurs = ({ place = "" }: Keys, scope: Scope): boolean =>
  place === placeOf(scope) || (place !== "user" && !existsSync(place));

/** Another connection has the name that `connect` chose. */
export class NameTaken extends Error {
  override readonly name = "NameTaken";
}

/**
 * The agent's id: the person's choice, the token's own, or a name made of the harness and the place.
 * @param taken names that the relay has refused
 * @throws HarnessError when the token is for another agent
 */
export async function agentIdFor(wanted: Wanted, by: Authorization, taken: ReadonlySet<string>): Promise<string> {
  const { harness, scope, agentId } = wanted;
  const { who } = by;
  if (who?.role === "agent" && who.agentId !== null) {
    if (agentId === undefined || agentId === who.agentId) return who.agentId;
    throw new HarnessError(
      "usage",
      `That token is ${who.agentId}'s own: leave --agent out, or give a token for ${agentId}`,
    );
  }
  const prefix = who?.role === "enroll" ? (who.prefix ?? "") : "";
  const id = agentId ?? (await freeName(`${prefix}${nameOf(harness, scope)}`, wanted, by, taken));
  if (id.startsWith(prefix)) return id;
  throw new HarnessError("usage", `That token registers ${prefix}*: name the agent so, as in --agent ${prefix}${id}`);
}

function nameOf(harness: Harness, scope: Scope): string {
  const place = scope === "project" ? basename(process.cwd()) : hostname();
  const plain = place
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return `${harness}-${plain || "here"}`.slice(0, 100);
}

const MOST_NAMES = 100;

/** The name that this place had before, else the first of `x`, `x-2`, `x-3`, ... without another connection. */
async function freeName(name: string, { harness, scope }: Wanted, by: Authorization, taken: ReadonlySet<string>) {
  const names = [name, ...Array.from({ length: MOST_NAMES - 1 }, (_, n) => `${name}-${n + 2}`)];
  const keysOf = (id: string) => findKeys(keysFile(personalFolders().signalbox, harness, id));
  const isKept = (keys: Keys | undefined) => keys?.place === placeOf(scope) && keys.url === by.url;
  const former = names.find((id) => isKept(keysOf(id)) && !taken.has(id));
  if (former !== undefined) return former;
  for (const id of names) {
    const keys = keysOf(id);
    // The file for our keys holds those of another folder.
    if (taken.has(id) || (keys && !areOurs(keys, scope))) continue;
    if (!(await hasConnection(by, id, keys?.tokenId))) return id;
  }
  throw new HarnessError("usage", `${name} is taken, and so are the names after it: give another with --agent`);
}

/**
 * Whether a token other than `own` acts for the agent, or the agent was deleted. Only an operator may ask: for others the
 * registration itself is refused.
 */
async function hasConnection({ client, who }: Authorization, id: string, own: string | undefined): Promise<boolean> {
  if (who?.role !== "operator") return false;
  try {
    await client.agents.get(id);
  } catch (error) {
    if (error instanceof RelayProblem && error.status === 404) return false;
    if (error instanceof RelayProblem && error.status === 410) return true;
    throw error;
  }
  for await (const token of everyItem((page) => client.tokens.list({ page, limit: 500 })))
    if (token.agentId === id && token.revokedAt === null && token.id !== own) return true;
  return false;
}

/**
 * Registers the agent with its reach, and returns its former keys if they are still good, else new ones.
 * @throws NameTaken when another connection has the name that `connect` chose
 */
export async function obtainKeys(file: string, id: string, wanted: Wanted, by: Authorization): Promise<KeysResult> {
  const { url, client, who } = by;
  const kept = findKeys(file);
  // A run for another folder has written them since the name was found free.
  if (kept && wanted.agentId === undefined && !areOurs(kept, wanted.scope)) throw new NameTaken(`${id} is taken`);
  const former = await checked(kept, url, id);
  const own = who?.role === "agent" ? by.token : undefined;
  if (who && own !== undefined && former?.token !== own) {
    await register(client, id, wanted);
    return { keys: { url, agentId: id, token: own, tokenId: who.tokenId, given: true }, isNew: true };
  }
  if (former) {
    await register(createClient(former), id, wanted);
    return { keys: former, isNew: false };
  }
  if (who === undefined) throw new HarnessError("usage", `A token is needed: ${by.tokenFrom}`);
  if (who.role === "enroll") return { keys: await enroll(by, id, wanted), isNew: false };
  await register(client, id, wanted);
  return { keys: await createToken(by, id, wanted, kept?.tokenId), isNew: true };
}

async function register(client: Client, id: string, { harness, reach }: Wanted): Promise<void> {
  const rig = titleOf(harness);
  try {
    await client.agents.get(id);
  } catch (error) {
    const status = error instanceof RelayProblem ? error.status : undefined;
    if (status !== 404 && status !== 410) throw error;
    if (status === 404) return void (await client.agents.register(id, { name: id, rig, reach }));
    // Connecting the same id again means the same agent.
    await client.agents.restore(id);
  }
  await client.agents.patch(id, { rig, reach });
}

/** Keys that are for this relay and agent, and still good. */
async function checked(keys: Keys | undefined, url: string, agentId: string): Promise<Keys | undefined> {
  if (keys?.url !== url || keys.agentId !== agentId) return undefined;
  try {
    const who = await createClient(keys).whoami();
    return who.agentId === agentId ? keys : undefined;
  } catch (error) {
    if (error instanceof RelayProblem && error.status === 401) return undefined;
    throw error;
  }
}

/** Registers with an enroll token, which is answered once with the new agent's own token. @throws NameTaken */
async function enroll({ url, client }: Relay, id: string, wanted: Wanted): Promise<Keys> {
  const { harness, reach, agentId } = wanted;
  const { token } = await client.agents
    .register(id, { name: id, rig: titleOf(harness), reach })
    .catch((error: unknown) => {
      const isTaken = error instanceof RelayProblem && (error.code === "forbidden" || error.code === "deleted");
      throw isTaken && agentId === undefined ? new NameTaken(error.message) : error;
    });
  if (token === undefined) throw new HarnessError("problem", `The relay registered ${id}, and gave it no token`);
  const { tokenId } = await createClient({ url, token }).whoami();
  return { url, agentId: id, token, tokenId };
}

/** Creates a token for the agent, whose name the relay refuses if another run has just taken it. @throws NameTaken */
async function createToken({ url, client }: Relay, agentId: string, wanted: Wanted, former: string | undefined) {
  const name = `connect ${wanted.harness} on ${hostname()}`.slice(0, 100);
  const alone = wanted.agentId === undefined ? { noneBut: former === undefined ? [] : [former] } : {};
  const { id: tokenId, token } = await client.tokens
    .create({ role: "agent", agentId, name, ...alone })
    .catch((error: unknown) => {
      const isTaken = error instanceof RelayProblem && error.code === "conflict" && wanted.agentId === undefined;
      throw isTaken ? new NameTaken(error.message) : error;
    });
  return { url, agentId, token, tokenId };
}
