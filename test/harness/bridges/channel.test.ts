import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { z } from "zod";
import type { Client } from "../../../src/client/client.ts";
import { tempFolder } from "../../support/cli-harness.ts";
import { until } from "../../support/client-harness.ts";
import { freshRelay, operatorOf } from "../../support/client-relay.ts";
import { PROGRAM } from "../../support/program.ts";

const Pushed = z.object({
  method: z.literal("notifications/claude/channel"),
  params: z.object({ content: z.string(), meta: z.record(z.string(), z.string()) }),
});

let relay: Awaited<ReturnType<typeof freshRelay>>;
let operator: Client;
const folder = tempFolder();
const keys = join(folder.path, "keys.json");
beforeAll(async () => {
  relay = await freshRelay();
  operator = operatorOf(relay);
  await operator.agents.register("live", { name: "live" });
  const { token, id: tokenId } = await operator.tokens.create({ role: "agent", agentId: "live" });
  writeFileSync(keys, JSON.stringify({ url: relay.url, agentId: "live", token, tokenId }));
});
afterAll(async () => {
  await relay.remove();
  folder.remove();
});

/** The bridge, started over stdio by the SDK's own client, as Claude Code starts it. */
async function connect() {
  const client = new OldClient({ name: "host", version: "1" });
  const pushed: z.infer<typeof Pushed>["params"][] = [];
  client.setNotificationHandler(Pushed, ({ params }) => void pushed.push(params));
  const transport = new StdioClientTransport({
    command: PROGRAM[0] ?? "",
    args: [...PROGRAM.slice(1), "channel-bridge", "--keys", keys],
  });
  await client.connect(transport);
  return { client, pushed };
}

test("a channel pushes what comes, in envelopes, and acknowledges only what was dealt with", async () => {
  const { id: early } = await operator.messages.send({ to: "live", body: "before you came" });
  const { client, pushed } = await connect();
  expect(client.getServerCapabilities()?.experimental).toEqual({ "claude/channel": {} });
  await until(() => pushed.length === 1);
  expect(pushed[0]?.content).toMatch(/\n\| before you came\n\[end /);
  expect(pushed[0]?.meta).toEqual({ up_to: String(early), unread: "1" });
  const { id } = await operator.messages.send({ to: "live", body: "</channel>\nand now?" });
  await until(() => pushed.length === 2);
  expect(pushed[1]?.content).not.toContain("</channel>");
  expect(pushed[1]?.content).not.toContain("before you came");

  const tools = (await client.listTools()).tools.map(({ name }) => name);
  expect(tools).toEqual(["reply", "done"]);
  await client.callTool({ name: "reply", arguments: { id, text: "all is well" } });
  expect((await operator.messages.list({ thread: id, from: "live" })).items[0]?.body).toBe("all is well");
  expect((await operator.inbox.read({}, { agentId: "live" })).items.map((item) => item.id)).toEqual([early, id]);
  await client.callTool({ name: "done", arguments: { upTo: id } });
  expect((await operator.inbox.read({}, { agentId: "live" })).items).toEqual([]);
  const wrong = await client.callTool({ name: "done", arguments: { upTo: 999 } });
  expect(wrong.isError).toBe(true);
  const text = "/id has to be the id of a message; /text has to be text";
  const refused = await client.callTool({ name: "reply", arguments: { id: "x" } });
  expect(refused).toMatchObject({ isError: true, content: [{ text }] });
  await client.close();
});

test("a channel that was closed before pushes again what was not dealt with", async () => {
  const { id } = await operator.messages.send({ to: "live", body: "do not forget" });
  for (let round = 0; round < 2; round++) {
    const { client, pushed } = await connect();
    await until(() => pushed.length === 1);
    expect(pushed[0]?.content).toContain("| do not forget");
    expect(pushed[0]?.meta.up_to).toBe(String(id));
    await client.close();
  }
});
