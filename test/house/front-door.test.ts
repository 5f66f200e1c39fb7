import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { atEnd } from "../support/ending.ts";
import { readPage, shellBlocks } from "../support/markdown.ts";
import { openPageShell } from "../support/page-shell.ts";

const readme = readPage("README.md").text;
const SHOWN = /```\n(WHEN[\s\S]*?)```/.exec(readme)?.[1] ?? "";

/** Text of the command line without its times. */
const timeless = (text: string): string =>
  text
    .replace(/\d\d:\d\d:\d\d/g, "TIME")
    .replace(/\d+ s ago/g, "a moment ago")
    .trim();

/** Claude Code's part: it calls the relay's tools with the token that connect has kept. */
async function toolsOf(url: string, token: string) {
  const client = new Client({ name: "claude-code", version: "2.1" });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit }));
  atEnd(() => client.close());
  return (name: string, args: Record<string, unknown> = {}) => client.callTool({ name, arguments: args });
}

test("the first commands of the README do what it says, and explain prints what it shows", async () => {
  const shell = await openPageShell({});
  const [commands = ""] = shellBlocks(readme);
  const [serve = "", connect = "", send = "", explain = ""] = commands.replaceAll("npx ", "").trim().split("\n");
  expect(serve).toStartWith("signalbox serve");
  expect(await shell.run(`${connect}\n${send}`)).toContain("Message 1 to reviewer");

  const keys = join(shell.folder, ".config/signalbox/agents/claude.reviewer.json");
  const call = await toolsOf(shell.url, JSON.parse(readFileSync(keys, "utf8")).token);
  await call("inbox");
  await call("reply", { id: 1, text: "One test fails: login" });
  await call("inbox", { ack: 1 });

  expect(timeless(await shell.run(explain))).toBe(timeless(SHOWN));
  expect(await shell.run("signalbox inbox")).toContain("One test fails: login");
});
