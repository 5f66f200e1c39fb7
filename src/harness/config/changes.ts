import { join } from "node:path";
import type { HarnessError } from "../errors.ts";
import { personalFolders } from "../folders.ts";
import type { Harness, HookHarness } from "../harnesses.ts";
import { launcherFile, wordsOf } from "../launcher.ts";
import { codexServerChange } from "./codex-toml.ts";
import { type Change, refusal } from "./files.ts";
import { oddPlace, withHooks } from "./hook-entries.ts";
import { isObject, type JsonObject, jsonChange, readJson } from "./json-edits.ts";
import { ownLine, SERVER, type Wiring } from "./wiring.ts";

/** The current folder, or everything of this person. */
export type Scope = "project" | "user";

const bridgeWords = (keysFile: string): string[] => ["mcp-bridge", "--keys", keysFile];

/**
 * Changes that put our entries into the files of a harness, or take them out (`wiring` undefined), and leave the rest alone.
 * @throws HarnessError when a file cannot be changed, or the person has a server of our name
 */
export function harnessChanges(harness: Harness, scope: Scope, wiring: Wiring | undefined): Change[] {
  switch (harness) {
    case "claude":
      return claudeChanges(scope, wiring);
    case "codex":
      return codexChanges(wiring);
    case "gemini":
    case "qwen":
      return settingsChanges(harness, scope, wiring);
    case "opencode":
      return opencodeChanges(scope, wiring);
  }
}

function claudeChanges(scope: Scope, wiring: Wiring | undefined): Change[] {
  const { claude, claudeState } = personalFolders();
  const here = process.cwd();
  const project = join(here, ".mcp.json");
  const isForProject = scope === "project";
  // The local settings, not the shared ones: the commands hold paths of this machine.
  const settings = isForProject ? join(here, ".claude", "settings.local.json") : join(claude, "settings.json");
  if (wiring) {
    // Servers of the same name in two scopes hide each other.
    const { mcpServers, projects } = readJson(claudeState) ?? {};
    const local = isObject(projects) ? projects[here] : undefined;
    refuseForeign(claudeState, serverIn(mcpServers));
    refuseForeign(claudeState, serverIn(isObject(local) ? local.mcpServers : undefined));
    refuseForeign(project, serverIn(readJson(project)?.mcpServers));
  }
  const hasOwnServer = isForeign(serverIn(readJson(project)?.mcpServers));
  return [
    serverChange(isForProject ? project : claudeState, "mcpServers", wiring && claudeServer(wiring)),
    jsonChange(settings, (whole) => {
      const { enabledMcpjsonServers: list } = whole;
      if (wiring && isForProject && list !== undefined && !Array.isArray(list))
        throw oddRefusal(settings, "enabledMcpjsonServers", "a list");
      const hooked = hookedIn(settings, whole, "claude", wiring);
      return hasOwnServer ? hooked : withApproval(hooked, isForProject && wiring !== undefined);
    }),
  ];
}

const claudeServer = ({ url, keysFile }: Wiring): JsonObject => ({
  type: "http",
  url: `${url}/mcp`,
  headersHelper: ownLine("hook", "headers", "--keys", keysFile),
});

/** Claude Code asks before it uses a server of a project; running `connect` is the answer. */
function withApproval(whole: JsonObject, approved: boolean): JsonObject {
  const { enabledMcpjsonServers: list, ...others } = whole;
  const rest = (Array.isArray(list) ? list : []).filter((name) => name !== SERVER);
  const names = approved ? [...rest, SERVER] : rest;
  if (!Array.isArray(list) && !approved) return whole;
  return names.length ? { ...whole, enabledMcpjsonServers: names } : others;
}

function codexChanges(wiring: Wiring | undefined): Change[] {
  const { codex } = personalFolders();
  const helper = wiring && ownLine("hook", "headers", "--keys", wiring.keysFile);
  return [
    codexServerChange(join(codex, "config.toml"), wiring && helper ? { url: `${wiring.url}/mcp`, helper } : undefined),
    jsonChange(join(codex, "hooks.json"), (whole) => hookedIn(join(codex, "hooks.json"), whole, "codex", wiring)),
  ];
}

/** @throws HarnessError where the file holds something else than hooks */
function hookedIn(file: string, whole: JsonObject, harness: HookHarness, wiring: Wiring | undefined): JsonObject {
  const odd = wiring?.hooks ? oddPlace(whole, harness) : undefined;
  if (odd !== undefined) throw oddRefusal(file, odd, odd === "hooks" ? "an object" : "a list");
  return withHooks(whole, harness, wiring);
}

const oddRefusal = (file: string, place: string, expected: string): HarnessError =>
  refusal(file, `has something else than ${expected} as ${place}`);

/** Gemini CLI and Qwen Code keep servers and hooks in one file, and cannot ask a command for headers: the bridge adds them. */
function settingsChanges(harness: "gemini" | "qwen", scope: Scope, wiring: Wiring | undefined): Change[] {
  const folder = scope === "project" ? join(process.cwd(), `.${harness}`) : personalFolders()[harness];
  const file = join(folder, "settings.json");
  const entry = wiring && {
    command: launcherFile(personalFolders().signalbox),
    args: bridgeWords(wiring.keysFile),
  };
  if (wiring) refuseForeign(file, serverIn(readJson(file)?.mcpServers));
  return [jsonChange(file, (whole) => hookedIn(file, withServer(file, whole, "mcpServers", entry), harness, wiring))];
}

function opencodeChanges(scope: Scope, wiring: Wiring | undefined): Change[] {
  const folder = scope === "project" ? process.cwd() : personalFolders().opencode;
  const commented = join(folder, "opencode.jsonc");
  const plain = join(folder, "opencode.json");
  if (!wiring) return [plain, commented].map((file) => serverChange(file, "mcp", undefined));
  const file = readJson(commented) ? commented : plain;
  const command = [launcherFile(personalFolders().signalbox), ...bridgeWords(wiring.keysFile)];
  return [serverChange(file, "mcp", { type: "local", command, enabled: true })];
}

function serverChange(file: string, group: string, entry: JsonObject | undefined): Change {
  if (entry) refuseForeign(file, serverIn(readJson(file)?.[group]));
  return jsonChange(file, (whole) => withServer(file, whole, group, entry));
}

const serverIn = (servers: unknown): unknown => (isObject(servers) ? servers[SERVER] : undefined);

/** Whether a server of our name is a person's own: each one that `connect` wrote names a file of keys. */
const isForeign = (entry: unknown): boolean =>
  entry !== undefined && !/ hook headers --keys |"mcp-bridge","--keys"/.test(JSON.stringify(entry));

function refuseForeign(file: string, entry: unknown): void {
  if (isForeign(entry))
    throw refusal(file, `has a server ${SERVER} of your own, which connect does not replace`, "Rename it there");
}

/**
 * Sets `whole[group][SERVER]`, or deletes it and a group that is empty then. Leaves a person's own server alone, and members that
 * a person added to ours.
 */
function withServer(file: string, whole: JsonObject, group: string, entry: JsonObject | undefined): JsonObject {
  const servers = isObject(whole[group]) ? whole[group] : {};
  if (entry) {
    if (whole[group] !== undefined && !isObject(whole[group])) throw oddRefusal(file, group, "an object");
    const before = isObject(servers[SERVER]) ? servers[SERVER] : {};
    return { ...whole, [group]: { ...servers, [SERVER]: { ...before, ...entry } } };
  }
  if (!Object.hasOwn(servers, SERVER) || isForeign(servers[SERVER])) return whole;
  const { [SERVER]: _, ...others } = servers;
  if (Object.keys(others).length) return { ...whole, [group]: others };
  const { [group]: __, ...rest } = whole;
  return rest;
}

/** Finds the file of keys that our entries name. */
export function keysFileIn(changes: readonly Change[]): string | undefined {
  for (const { before = "" } of changes) {
    const strings = [...before.matchAll(/"(?:[^"\\\n]|\\.)*"/g)].map(([written]) => unquoted(written));
    const line = strings.find((text) => / hook (?:headers|\w+ [\w-]+) --keys /.test(text));
    const words = line === undefined ? strings.slice(strings.indexOf("mcp-bridge") + 1) : wordsOf(line);
    const file = words[words.indexOf("--keys") + 1];
    if ((line !== undefined || strings.includes("mcp-bridge")) && file?.endsWith(".json")) return file;
  }
  return undefined;
}

function unquoted(written: string): string {
  try {
    return JSON.parse(written);
  } catch {
    return "";
  }
}
