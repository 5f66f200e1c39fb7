import { dirname } from "node:path";
import { Argument, type Command, Option } from "commander";
import manifest from "../../package.json" with { type: "json" };
import { type Client, createClient } from "../client/client.ts";
import { meant } from "../client/transport.ts";
import {
  HARNESSES,
  type Harness,
  harnessChanges,
  hasHooks,
  keysFileIn,
  type Scope,
  titleOf,
} from "../harness/config/changes.ts";
import { type Change, carryOut } from "../harness/config/files.ts";
import {
  agentIdFor,
  areOurs,
  gain,
  type Introduction,
  introduced,
  NameTaken,
  placeOf,
  type Wanted,
} from "../harness/connect/agent-keys.ts";
import { HarnessError } from "../harness/errors.ts";
import { personalFolders } from "../harness/folders.ts";
import { findKeys, type Keys, keysFile, keysFolder, removeKeys, writeKeys } from "../harness/keys.ts";
import { writeLauncher } from "../harness/launcher.ts";
import { contextOf } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import type { Output } from "./output.ts";
import { ownCommand } from "./own.ts";
import { safeLine, safeText } from "./screen.ts";

interface ConnectOptions {
  agent?: string;
  scope: Scope;
  hooks: boolean;
  remove?: boolean;
  dryRun?: boolean;
  yes?: boolean;
}

export function addConnectCommand(program: Command): void {
  program
    .command("connect")
    .description("Make Claude Code, Codex, Gemini CLI, Qwen Code or OpenCode on this machine an agent of the relay")
    .helpGroup("Harnesses:")
    .addArgument(new Argument("<harness>", "which of them").choices(HARNESSES))
    .option("--agent <name>", "the agent's id (default: the harness and this folder, or this machine, made unique)")
    .addOption(
      new Option("--scope <scope>", "for this folder, or for all of yours (Codex: always all)")
        .choices(["project", "user"])
        .default("project"),
    )
    .option("--no-hooks", "tools alone: the agent hears of messages when it asks")
    .option("--remove", "take back what connect wrote, and end the token")
    .option("--dry-run", "show what would be written, and write nothing")
    .option("-y, --yes", "do not ask before writing")
    .addHelpText("after", HELP)
    .action((harness: Harness, options: ConnectOptions, command: Command) => connect(harness, options, command));
}

const HELP = `
It needs a token: an operator's, which it finds by itself on the relay's machine, in the folder where that was started (or with
--data), and on other machines with --url and --token one of role enroll, or the agent's own. The agent's own token is kept in
~/.config/signalbox/agents, readable by you alone; the files of the harness have its place and no secret. Claude Code: .mcp.json
and .claude/settings.local.json of this folder, or with --scope user ~/.claude.json and ~/.claude/settings.json. Codex:
~/.codex/config.toml and ~/.codex/hooks.json. Gemini CLI and Qwen Code: .gemini/settings.json or .qwen/settings.json, here or in
your home. OpenCode, which gets tools alone: opencode.json here, or in ~/.config/opencode. Everything else in them stays as it is.

Examples:
  $ signalbox connect claude --agent reviewer
  $ signalbox connect gemini --url https://relay.example.com --token "$ENROLL_TOKEN"
  $ signalbox connect claude --remove`;

async function connect(harness: Harness, options: ConnectOptions, command: Command): Promise<void> {
  const { settings, client, out } = contextOf(command);
  const scope = harness === "codex" ? "user" : options.scope;
  if (options.remove) return disconnect({ harness, scope, options, client, out });
  const reach = options.hooks && hasHooks(harness) ? "idle" : "asked";
  const wanted: Wanted = { harness, scope, agentId: options.agent ?? settings.agentId, reach };
  const { url, token, from } = settings;
  const by = await introduced({ url, token, tokenFrom: from.token, client });
  const taken = new Set<string>();
  for (;;) {
    const agentId = await agentIdFor(wanted, by, taken);
    try {
      return await connectAs(agentId, wanted, by, options, out);
    } catch (error) {
      if (!(error instanceof NameTaken)) throw error;
      taken.add(agentId);
    }
  }
}

/** @throws NameTaken before anything is written */
async function connectAs(
  agentId: string,
  wanted: Wanted,
  by: Introduction,
  options: ConnectOptions,
  out: Output,
): Promise<void> {
  const { url, client } = by;
  const { harness, scope, reach } = wanted;
  const hooks = reach === "idle";
  const { signalbox } = personalFolders();
  const file = keysFile(signalbox, harness, agentId);
  const changes = harnessChanges(harness, scope, { harness, url, keysFile: file, hooks });
  if (!agree(changes, [`${file} (the agent's token, for you alone)`], options, out)) return;
  const before = findKeys(file);
  const { keys, isNew } = await gain(file, agentId, wanted, by);
  try {
    writeKeys(file, { ...keys, place: placeOf(scope) });
    writeLauncher(signalbox, ownCommand());
    for (const change of changes) carryOut(change);
    await check(keys);
  } catch (error) {
    for (const { file, before, after } of changes) undo({ file, before: after, after: before });
    if (isNew) {
      if (before) writeKeys(file, before);
      else removeKeys(file);
      if (!keys.given) await client.tokens.revoke(keys.tokenId).catch(() => undefined);
    }
    throw error;
  }
  const files = changes.map((change) => change.file);
  await out.show({ agentId, url, reach, keys: file, files, works: true }, () =>
    [
      `${safeLine(agentId)} is on ${url}, and reached ${reach === "idle" ? "when it stops" : "when it asks"}.`,
      ...nextSteps(harness, scope, hooks),
    ].join("\n"),
  );
}

/** As it was, unless somebody else has written meanwhile, or nothing was. */
function undo(change: Change): void {
  try {
    carryOut(change);
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
  }
}

const nextSteps = (harness: Harness, scope: ConnectOptions["scope"], hooks: boolean): string[] => [
  `Start ${titleOf(harness)}${scope === "user" ? "" : " here"}: /mcp lists signalbox.`,
  ...(harness === "codex" && hooks
    ? ["It asks once whether you trust the hooks (/hooks): until then they do not run."]
    : []),
  ...(hasHooks(harness) ? [] : ["It has no hooks: what has to be read at once goes through signalbox run."]),
];

/** Shows what will be written. @returns whether it is to be. @throws Stop when a person says no. */
function agree(changes: readonly Change[], others: readonly string[], options: ConnectOptions, out: Output): boolean {
  const changed = changes.filter(({ before, after }) => before !== after);
  for (const { file, before, after } of changed) {
    out.note(after === undefined ? `${file}: goes` : `${file}${before === undefined ? " (new)" : ""}:`);
    out.note(safeText(difference(before ?? "", after ?? "")));
  }
  for (const other of others) out.note(other);
  if (options.dryRun) return false;
  if (options.yes || !process.stdin.isTTY || !process.stdout.isTTY) return true;
  if (confirm("Write this?")) return true;
  throw new Stop(EXIT.nothing, "Nothing was written");
}

/** The lines that go and those that come: what stays at both ends is left out. */
function difference(before: string, after: string): string {
  const [old, now] = [before.split("\n"), after.split("\n")];
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head++;
  let tail = 0;
  while (tail < Math.min(old.length, now.length) - head && old.at(-1 - tail) === now.at(-1 - tail)) tail++;
  const lines = (list: string[], mark: string) =>
    list.slice(head, list.length - tail).map((line) => `  ${mark} ${line}`);
  return [...lines(old, "-"), ...lines(now, "+")].join("\n");
}

/** Tries the calls that hooks and harness will make, by the agent's own token. */
async function check(keys: Keys): Promise<void> {
  await createClient(keys).inbox.digest({ budget: 300 }, { retries: 1 });
  await checkTools(keys);
}

const REVISION = "2026-07-28";
const ABOUT_US = {
  "io.modelcontextprotocol/protocolVersion": REVISION,
  "io.modelcontextprotocol/clientInfo": { name: "signalbox connect", version: manifest.version },
  "io.modelcontextprotocol/clientCapabilities": {},
};
const TIMEOUT_MS = 10_000;

/** @throws HarnessError when the relay's MCP endpoint is not to be had at this address: a proxy's doing, or an unknown host name. */
async function checkTools({ url, token }: Keys): Promise<void> {
  const response = await fetch(`${url}/mcp`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": REVISION,
      "mcp-method": "tools/list",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: { _meta: ABOUT_US } }),
    redirect: "error",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((error: unknown) => {
    throw meant(error, url);
  });
  const said = await response.text();
  if (!response.ok || !said.includes('"inbox"'))
    throw new HarnessError(
      "problem",
      `${url}/mcp does not answer as it should (${response.status}): ${said.slice(0, 200)}`,
    );
}

interface Removal {
  harness: Harness;
  scope: Scope;
  options: ConnectOptions;
  client: Client;
  out: Output;
}

/** The file of keys that the entries name, if it is of this very place: files of a folder may be anybody's, and name any file. */
function ownKeysFile(changes: readonly Change[], scope: Scope): string | undefined {
  const file = keysFileIn(changes);
  if (file === undefined || dirname(file) !== keysFolder(personalFolders().signalbox)) return undefined;
  const keys = findKeys(file);
  return keys && areOurs(keys, scope) ? file : undefined;
}

/** The reverse of `connect`. The agent stays, with its messages. */
async function disconnect({ harness, scope, options, client, out }: Removal): Promise<void> {
  const changes = harnessChanges(harness, scope, undefined);
  const { signalbox } = personalFolders();
  const file = options.agent ? keysFile(signalbox, harness, options.agent) : ownKeysFile(changes, scope);
  const keys = file === undefined ? undefined : findKeys(file);
  if (!agree(changes, keys && file ? [`${file}: goes, and its token ends`] : [], options, out)) return;
  for (const change of changes) carryOut(change);
  const left = keys && file ? await giveBack(keys, file, client) : [];
  const files = changes.filter(({ before, after }) => before !== after).map((change) => change.file);
  await out.show({ agentId: keys?.agentId ?? null, removed: files, left }, () =>
    [
      files.length ? `Taken back from ${files.join(" and ")}.` : "There was nothing to take back.",
      ...left.map(safeLine),
    ].join("\n"),
  );
}

/** Ends the agent's token, unless a person gave it. @returns the steps left to a person */
async function giveBack(keys: Keys, file: string, client: Client): Promise<string[]> {
  const left: string[] = [];
  await createClient(keys)
    .agents.patch(keys.agentId, { reach: "asked" }, { retries: 0 })
    .catch(() => undefined);
  if (!keys.given)
    await client.tokens.revoke(keys.tokenId).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : error;
      left.push(
        `The token ${keys.tokenId} may still be good (${reason}): an operator ends it with signalbox tokens revoke ${keys.tokenId}`,
      );
    });
  removeKeys(file);
  return left;
}
