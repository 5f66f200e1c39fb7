import { expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { agentOn, asking } from "../../support/ask.ts";
import { startServer } from "../../support/server.ts";
import { openSocket } from "../../support/socket.ts";
import { openStream } from "../../support/stream.ts";

/** Every file below a folder. */
const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((file) => statSync(file).isFile());

test("G10: no secret is ever logged, nor stored in the clear, nor copied into a backup", async () => {
  const configured = "an-operator-token-given-by-configuration";
  const server = await startServer({ env: { SIGNALBOX_LOG_LEVEL: "trace" }, token: configured });
  const ask = asking(server);
  const bob = await agentOn(ask, "bob");
  const key = { headers: { "idempotency-key": "made-once" } };
  const keyed = (await ask("POST", "/v1/tokens", { role: "viewer" }, key)).body.token as string;
  const enroll = (await ask("POST", "/v1/tokens", { role: "enroll", prefix: "ci-" })).body.token as string;
  const enrolled = (await ask("PUT", "/v1/agents/ci-1", { name: "ci" }, { token: enroll })).body.token as string;
  const wrong = "sbx_a-guess-that-is-not-a-token-of-anybody";
  const secrets = [configured, bob.token, keyed, enroll, enrolled, wrong];

  for (const token of secrets) await ask("GET", "/v1/whoami", undefined, { token });
  await ask("POST", "/v1/messages", { to: "nobody", body: "x" }, bob);
  await ask("GET", `/v1/messages?token=${bob.token}`, undefined, bob);
  await fetch(`${server.url}/v1/whoami?access_token=${bob.token}`, {
    headers: { authorization: `Basic ${bob.token}` },
  });
  await ask("POST", "/v1/tokens", { role: "agent", agentId: "bob", groups: [bob.token] });
  const stream = await openStream(`${server.url}/v1/agents/bob/inbox/stream`, bob);
  await stream.first("hello");
  const socket = await openSocket(`${server.url}/v1/agents/bob/socket`, {});
  socket.say({ type: "auth", token: bob.token });
  await socket.first("hello");
  const refused = await openSocket(`${server.url}/v1/agents/bob/socket`, {});
  refused.say({ type: "auth", token: wrong, extra: bob.token });
  await refused.closed;
  const { file } = (await ask("POST", "/v1/backups")).body as { file: string };
  const { id } = (await ask("GET", "/v1/tokens")).body.items[0];
  await ask("DELETE", `/v1/tokens/${id}`);
  await server.stop();

  const files = filesIn(server.dataDir);
  expect(files).toContain(file);
  expect(files.map((name) => name.slice(server.dataDir.length + 1))).toContain("signalbox.db");
  const found: string[] = [];
  for (const secret of secrets) {
    if (server.output().includes(secret)) found.push(`${secret} in the log`);
    for (const name of files) if (readFileSync(name).includes(secret)) found.push(`${secret} in ${name}`);
  }
  expect(found).toEqual([]);
  // The log is there, and says something.
  expect(server.output()).toContain("Signalbox listens on");
  expect(server.output()).toContain("stopped");
});

test("what the relay writes into its data folder is for its owner alone", async () => {
  const server = await startServer();
  await asking(server)("POST", "/v1/backups");
  const open = filesIn(server.dataDir).filter((file) => (statSync(file).mode & 0o077) !== 0);
  expect(open).toEqual([]);
  await server.stop();
});
