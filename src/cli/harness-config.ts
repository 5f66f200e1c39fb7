import { join } from "node:path";
import { type Change, isObject, type JsonObject, jsonChange, textOf } from "./config-files.ts";
import { EXIT, Stop } from "./exit.ts";
import { MANNERS } from "./hook-answers.ts";
import { ownCommand } from "./own.ts";
import { personalFolders } from "./settings.ts";

export const HARNESSES = ["claude", "codex"] as const;
export type Harness = (typeof HARNESSES)[number];

/** What a harness is to know. */
export interface Wiring {
  harness: Harness;
  /** The relay's address. */
  url: string;
  keysFile: string;
  /** Whether it is told when the agent starts, is asked, and stops. */
  hooks: boolean;
}

export const SERVER = "signalbox";
const HOOK_SECONDS = 10;

/** For a shell: the harnesses hand these lines to one. */
const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
const own = (...words: string[]): string =>
  ownCommand(...words)
    .map(quoted)
    .join(" ");
const headersCommand = (keysFile: string): string => own("hook", "headers", "--keys", keysFile);
const hookCommand = (harness: Harness, event: string, keysFile: string): string =>
  own("hook", harness, event, "--keys", keysFile);
/** What an earlier `connect` wrote, for whichever agent and from wherever. */
const isOurs = (command: unknown): boolean =>
  typeof command === "string" && / hook (claude|codex) (session-start|prompt|stop) --keys /.test(command);

/** The files of a harness with our entries in them, or without (`wiring` undefined), and nothing else changed. */
export function harnessChanges(harness: Harness, scope: Scope, wiring: Wiring | undefined): Change[] {
  return harness === "claude" ? claudeChanges(scope, wiring) : codexChanges(wiring);
}

/** For the folder we are in, or for all of this person's. */
export type Scope = "project" | "user";

function claudeChanges(scope: Scope, wiring: Wiring | undefined): Change[] {
  const { claude, claudeState } = personalFolders();
  const here = process.cwd();
  const servers = scope === "user" ? claudeState : join(here, ".mcp.json");
  // Not the settings that are shared with others: the commands have paths of this machine.
  const settings = scope === "user" ? join(claude, "settings.json") : join(here, ".claude", "settings.local.json");
  return [
    jsonChange(servers, (whole) => withEntry(whole, "mcpServers", wiring && claudeServer(wiring))),
    jsonChange(settings, (whole) =>
      withApproval(withHooks(whole, wiring), scope === "project" && wiring !== undefined),
    ),
  ];
}

const claudeServer = ({ url, keysFile }: Wiring): JsonObject => ({
  type: "http",
  url: `${url}/mcp`,
  headersHelper: headersCommand(keysFile),
});

/** `whole[group][SERVER]` set or taken away, and a group that is left empty with it. */
function withEntry(whole: JsonObject, group: string, entry: JsonObject | undefined): JsonObject {
  const { [SERVER]: _, ...others } = isObject(whole[group]) ? whole[group] : {};
  if (entry) return { ...whole, [group]: { ...others, [SERVER]: entry } };
  return without(whole, group, others);
}

function without(whole: JsonObject, group: string, rest: JsonObject): JsonObject {
  if (Object.keys(rest).length) return { ...whole, [group]: rest };
  const { [group]: _, ...others } = whole;
  return others;
}

/** Claude Code asks before it uses a server of a project: whoever ran `connect` has answered. */
function withApproval(whole: JsonObject, approved: boolean): JsonObject {
  const { enabledMcpjsonServers: list, ...others } = whole;
  const rest = (Array.isArray(list) ? list : []).filter((name) => name !== SERVER);
  const names = approved ? [...rest, SERVER] : rest;
  if (!Array.isArray(list) && !approved) return whole;
  return names.length ? { ...whole, enabledMcpjsonServers: names } : others;
}

/** Our hooks beside those that are there. */
function withHooks(whole: JsonObject, wiring: Wiring | undefined): JsonObject {
  const hooks: JsonObject = {};
  const there = isObject(whole.hooks) ? whole.hooks : {};
  for (const [event, groups] of Object.entries(there)) {
    const kept = Array.isArray(groups) ? groups.map(withoutOurs).filter((group) => group !== undefined) : groups;
    if (!Array.isArray(kept) || kept.length) hooks[event] = kept;
  }
  if (!wiring?.hooks) return without(whole, "hooks", hooks);
  const { harness, keysFile } = wiring;
  for (const [event, theirs] of Object.entries(MANNERS[harness].events)) {
    const command = hookCommand(harness, event, keysFile);
    const group = { hooks: [{ type: "command", command, timeout: HOOK_SECONDS }] };
    hooks[theirs] = [...(Array.isArray(hooks[theirs]) ? hooks[theirs] : []), group];
  }
  return { ...whole, hooks };
}

function withoutOurs(group: unknown): unknown {
  if (!isObject(group) || !Array.isArray(group.hooks)) return group;
  const kept = group.hooks.filter((hook) => !(isObject(hook) && isOurs(hook.command)));
  if (kept.length === group.hooks.length) return group;
  return kept.length ? { ...group, hooks: kept } : undefined;
}

const BEGIN = "# signalbox: begin (taken back by: signalbox connect codex --remove)";
const END = "# signalbox: end";
const BLOCK = new RegExp(`\\n?${RegExp.escape(BEGIN)}\\n[\\s\\S]*?${RegExp.escape(END)}\\n?`, "g");

function codexChanges(wiring: Wiring | undefined): Change[] {
  const { codex } = personalFolders();
  return [
    tomlChange(join(codex, "config.toml"), wiring),
    jsonChange(join(codex, "hooks.json"), (whole) => withHooks(whole, wiring)),
  ];
}

/** The rest of the file stays as it is, comments and all: ours is a block at its end. @throws Stop when it cannot be. */
function tomlChange(file: string, wiring: Wiring | undefined): Change {
  const before = textOf(file);
  const rest = (before ?? "").replace(BLOCK, "");
  if (!wiring) return { file, before, after: rest === (before ?? "") ? before : rest || undefined };
  const table = [
    `[mcp_servers.${SERVER}]`,
    `url = ${JSON.stringify(`${wiring.url}/mcp`)}`,
    `http_headers_helper = ${JSON.stringify(headersCommand(wiring.keysFile))}`,
  ];
  const gap = rest === "" ? "" : rest.endsWith("\n") ? "\n" : "\n\n";
  const after = `${rest}${gap}${[BEGIN, ...table, END].join("\n")}\n`;
  try {
    Bun.TOML.parse(after);
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    throw new Stop(
      EXIT.problem,
      `${file} cannot be added to (${reason}); nothing was changed. Is there a server ${SERVER} already?`,
    );
  }
  return { file, before, after };
}

/** Whose keys the entries have that are about to go. */
export function keysFileIn(changes: readonly Change[]): string | undefined {
  for (const { before = "" } of changes) {
    const [, found] = / hook (?:headers|claude \w[\w-]*|codex \w[\w-]*) --keys '?([^'"\\]+?\.json)/.exec(before) ?? [];
    if (found) return found;
  }
  return undefined;
}
