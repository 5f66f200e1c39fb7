import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "../../../src/client/client.ts";
import { asTask, clientOf, resultOf, saying, startCalling } from "../../support/a2a.ts";
import { startForeign } from "../../support/a2a-agent.ts";
import { callCli } from "../../support/cli-harness.ts";
import { until } from "../../support/until.ts";

// Processes are started here: on a busy machine that takes its time.
test("an agent out there is let in and looked at, by the client and the command line", async () => {
  const { server, agent } = await startCalling({ env: { SIGNALBOX_EGRESS_PRIVATE: "127.0.0.1" } });
  const cli = (...args: string[]) => callCli(["a2a", ...args, "--data", server.dataDir]);
  const operator = createClient({ url: server.url, token: server.operatorToken });
  const foreign = await startForeign(({ words, done }) => done(`heard ${words}`));
  expect((await cli("list")).stdout).toBe("There are no external agents\n");
  const tokenFile = join(server.dataDir, "weather.token");
  writeFileSync(tokenFile, "foreign-token\n");
  const put = await cli("put", "weather", foreign.url, "--token-file", tokenFile);
  expect(put.stdout).toMatch(/state +reachable/);
  expect(put.stdout).not.toContain("foreign-token");
  expect((await cli("list")).stdout).toMatch(/weather +reachable +0 +JSONRPC/);
  expect((await cli("show", "weather")).stdout).toMatch(/url +http:.*\/rpc/);
  expect((await cli("refresh", "weather")).stdout).toContain("is being fetched");
  expect((await operator.a2a.list()).items).toMatchObject([{ agentId: "weather", hasToken: true }]);

  const alice = await agent("alice");
  const asker = createClient({ url: server.url, token: alice });
  const { id } = await asker.delegations.ask({ to: "weather", text: "Berlin" });
  await until(async () => (await asker.delegations.get(id)).status === "answered", "the answer from outside");
  // An external agent has a card here: anybody who knows this relay reaches it through the relay.
  const client = await clientOf(`${server.url}/a2a/weather/`, "HTTP+JSON", alice);
  expect(resultOf(asTask(await client.sendMessage(saying("Oslo"))))).toBe("heard Oslo");
  expect(foreign.bearers.every((bearer) => bearer === "Bearer foreign-token")).toBe(true);

  const card = JSON.parse((await cli("card", "alice")).stdout);
  expect(card.supportedInterfaces[0].url).toBe(`${server.url}/a2a/alice`);
  expect((await operator.a2a.card()).name).toBe("Signalbox");
});

test("two relays reach each other's agents", async () => {
  const env = { SIGNALBOX_EGRESS_PRIVATE: "127.0.0.1" };
  const [here, there] = [await startCalling({ env }), await startCalling({ env })];
  const bob = await there.agent("bob");
  const visitor = await there.agent("visitor");
  const alice = await here.agent("alice");
  const operator = createClient({ url: here.server.url, token: here.server.operatorToken });
  await operator.a2a.put("bob", { cardUrl: `${there.server.url}/a2a/bob/`, token: visitor });
  const asker = createClient({ url: here.server.url, token: alice });
  const { id } = await asker.delegations.ask({ to: "bob", text: "Are you there?" });
  const worker = createClient({ url: there.server.url, token: bob });
  const { items } = await worker.inbox.read({ waitSeconds: 20 });
  expect(items[0]).toMatchObject({ from: "visitor", kind: "request", body: expect.stringContaining("Are you there?") });
  await worker.messages.send({ to: "visitor", replyTo: items[0]?.id, body: "Yes." });
  await until(async () => (await asker.delegations.get(id)).answer?.text === "Yes.", "the answer from the other relay");
});
