import { parse, TomlError } from "smol-toml";
import { type Change, refusal, textOf } from "./config-files.ts";
import { isObject } from "./json-edits.ts";
import { SERVER } from "./wiring.ts";

const BEGIN = "# signalbox: begin (taken back by: signalbox connect codex --remove)";
const END = "# signalbox: end";
const BLOCK = new RegExp(`(?:\\r?\\n)?${RegExp.escape(BEGIN)}\\r?\\n[\\s\\S]*?${RegExp.escape(END)}(?:\\r?\\n)?`, "g");

/**
 * The rest of the file stays as it is, comments and all: ours is a block at its end. `server` undefined: without it.
 * @throws Stop when it is no TOML, or has a server of our name outside of our block
 */
export function codexServerChange(file: string, server: { url: string; helper: string } | undefined): Change {
  const before = textOf(file);
  const rest = (before ?? "").replace(BLOCK, "");
  if (!server) return { file, before, after: rest === (before ?? "") ? before : rest || undefined };
  const { mcp_servers: servers } = parsed(file, rest);
  if (isObject(servers) && SERVER in servers)
    throw refusal(file, `has a server ${SERVER} of your own, which connect does not replace`, "Rename it there");
  const eol = rest.includes("\r\n") ? "\r\n" : "\n";
  const table = [
    BEGIN,
    `[mcp_servers.${SERVER}]`,
    `url = ${JSON.stringify(server.url)}`,
    `http_headers_helper = ${JSON.stringify(server.helper)}`,
    END,
  ];
  const gap = rest === "" ? "" : rest.endsWith("\n") ? eol : eol + eol;
  const after = `${rest}${gap}${table.join(eol)}${eol}`;
  parsed(file, after);
  return { file, before, after };
}

function parsed(file: string, text: string): Record<string, unknown> {
  try {
    // Numbers are kept as text; here they are only to be passed over.
    return parse(text.replace(/^\uFEFF/, ""), { integersAsBigInt: true });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw refusal(file, `cannot be added to (line ${error.line}: ${error.message.split("\n", 1)[0]})`);
  }
}
