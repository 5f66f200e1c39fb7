import { parse, TomlError } from "smol-toml";
import { type Change, refusal, textOf } from "./files.ts";
import { isObject } from "./json-edits.ts";
import { SERVER } from "./wiring.ts";

const BEGIN = "# signalbox: begin (taken back by: signalbox connect codex --remove)";
const END = "# signalbox: end";
const OUR_TABLE = new RegExp(`^\\s*\\[\\s*mcp_servers\\s*\\.\\s*(["']?)${SERVER}\\1\\s*[.\\]]`);
const URL = "url";
const HELPER = "http_headers_helper";

interface Server {
  url: string;
  helper: string;
}

/**
 * Writes our server as a block at the end of the file, or removes the block (`server` undefined). The rest of the file keeps its
 * text, comments included. Codex and people write into our block too: members that they added to our table stay.
 * @throws HarnessError when the file is not TOML, or has a server of our name outside of our block
 */
export function codexServerChange(file: string, server: Server | undefined): Change {
  const before = textOf(file);
  const text = before ?? "";
  const rest = withoutBlock(text);
  if (!server) {
    if (rest === text) return { file, before, after: before };
    requireSame(file, text, rest);
    return { file, before, after: rest || undefined };
  }
  const { mcp_servers: servers } = parsed(file, rest);
  if (isObject(servers) && SERVER in servers)
    throw refusal(file, `has a server ${SERVER} of your own, which connect does not replace`, "Rename it there");
  const after = rewritten(text, server) ?? appended(rest, server);
  parsed(file, after);
  requireSame(file, text, withoutBlock(after));
  return { file, before, after };
}

function appended(rest: string, { url, helper }: Server): string {
  const eol = rest.includes("\r\n") ? "\r\n" : "\n";
  const table = [BEGIN, `[mcp_servers.${SERVER}]`, `${URL} = ${quoted(url)}`, `${HELPER} = ${quoted(helper)}`, END];
  const gap = rest === "" ? "" : rest.endsWith("\n") ? eol : eol + eol;
  return `${rest}${gap}${table.join(eol)}${eol}`;
}

const quoted = (value: string): string => JSON.stringify(value);

/** Updates our table in place; `undefined` when it is not as we wrote it. */
function rewritten(text: string, { url, helper }: Server): string | undefined {
  const lines = linesOf(text);
  const begin = lines.findIndex(isBegin);
  if (begin < 0 || !OUR_TABLE.test(lines[begin + 1] ?? "")) return undefined;
  const now = new Map([
    [URL, url],
    [HELPER, helper],
  ]);
  for (let at = begin + 2; at < lines.length && now.size && !isHeader(lines[at] ?? ""); at++) {
    const [, name = "", eol = ""] = /^(\w+) = "(?:[^"\\]|\\.)*"(\r?\n|$)/.exec(lines[at] ?? "") ?? [];
    const value = now.get(name);
    if (value === undefined) continue;
    lines[at] = `${name} = ${quoted(value)}${eol}`;
    now.delete(name);
  }
  return now.size ? undefined : lines.join("");
}

/** Removes our table, its subtables, and our marker lines. Tables and comments of others stay, also between the markers. */
function withoutBlock(text: string): string {
  const lines = linesOf(text);
  const begin = lines.findIndex(isBegin);
  if (begin < 0) return text;
  const head = lines.slice(0, begin);
  if (head.at(-1)?.trim() === "") head.pop();
  let isOurs = true;
  let isPast = false;
  const tail = lines.slice(begin + 1).filter((line) => {
    const text = line.trim();
    if (text === END) {
      isPast = true;
      return false;
    }
    if (isHeader(line)) isOurs = OUR_TABLE.test(line);
    return !isOurs || text.startsWith("#") || (text === "" && isPast);
  });
  return [...head, ...tail].join("");
}

const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
const isBegin = (line: string): boolean => line.trim() === BEGIN;
const isHeader = (line: string): boolean => /^\s*\[/.test(line);

/** @throws HarnessError when anything but our server differs */
function requireSame(file: string, before: string, after: string): void {
  const others = othersIn(parsed(file, before));
  if (!Bun.deepEquals(others, othersIn(tomlIn(after) ?? {})))
    throw refusal(file, `mixes the server ${SERVER} with what is yours`, `Take [mcp_servers.${SERVER}] out by hand`);
}

function othersIn({ mcp_servers: servers, ...rest }: Record<string, unknown>): Record<string, unknown> {
  if (!isObject(servers)) return servers === undefined ? rest : { ...rest, mcp_servers: servers };
  const { [SERVER]: _, ...others } = servers;
  return Object.keys(others).length ? { ...rest, mcp_servers: others } : rest;
}

function tomlIn(text: string): Record<string, unknown> | undefined {
  try {
    return parsed("", text);
  } catch {
    return undefined;
  }
}

function parsed(file: string, text: string): Record<string, unknown> {
  try {
    // Without big integers a number beyond 2^53 would be an error, and no number matters here.
    return parse(text.replace(/^\uFEFF/, ""), { integersAsBigInt: true });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw refusal(file, `is not TOML (line ${error.line}: ${error.message.split("\n", 1)[0]})`);
  }
}
