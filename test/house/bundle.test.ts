import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createClient } from "../../src/client/client.ts";
import { startForeign } from "../support/a2a-agent.ts";
import { createCheckout, withProgram } from "../support/checkout.ts";
import { ENGINE } from "../support/program.ts";
import { atEnd, tempFolder } from "../support/relay.ts";
import { firstUrl } from "../support/server.ts";
import { createFakeSlack } from "../support/slack.ts";
import { createFakeTelegram } from "../support/telegram.ts";
import { until } from "../support/until.ts";

const { path: checkout, remove } = createCheckout();
const bundle = join(checkout, "dist/signalbox.js");
withProgram(checkout);
afterAll(remove);

/** Runs scripts/start until the relay listens. */
async function start(settings: Record<string, string> = {}) {
  const dataDir = tempFolder();
  const child = Bun.spawn([join(checkout, "scripts/start")], {
    env: {
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      SIGNALBOX_DATA_DIR: dataDir,
      SIGNALBOX_PORT: "0",
      ...ENGINE,
      ...settings,
    },
    stdout: "pipe",
    stderr: "ignore",
  });
  atEnd(async () => child.kill("SIGKILL"));
  const url = await firstUrl(child.stdout, []);
  const token = readFileSync(join(dataDir, "operator.token"), "utf8").trim();
  const ask = async (method: string, path: string, body?: unknown, as = token) => {
    const headers = { authorization: `Bearer ${as}`, accept: "application/json, text/event-stream" };
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const sent = { method, headers: { ...headers, ...(body ? { "content-type": "application/json" } : {}) }, ...json };
    const response = await fetch(url + path, sent);
    return { status: response.status, text: await response.text() };
  };
  const stop = async () => {
    child.kill("SIGTERM");
    return child.exited;
  };
  return { url, token, ask, stop, program: readFileSync(`/proc/${child.pid}/cmdline`, "utf8") };
}

/** Changes a file as a tool does that keeps its time, such as rsync. */
function change(name: string, edit: (text: string) => string): void {
  const path = join(checkout, name);
  const { atime, mtime } = statSync(path);
  writeFileSync(path, edit(readFileSync(path, "utf8")));
  utimesSync(path, atime, mtime);
}

describe.if(process.platform === "linux")("the server as one file", () => {
  test("the server as one file serves what reads other files: migrations, documents, a worker, packages that are loaded late", async () => {
    const { ask, stop, program } = await start();
    expect(program).toContain("dist/signalbox.js");
    expect((await ask("POST", "/v1/messages", { to: "user", body: "x" })).status).toBe(201);
    const pages = ["/", "/threads/4", "/openapi.json", "/docs", "/docs/start.js", "/docs/swagger-ui-bundle.js"];
    for (const path of [...pages, "/.well-known/agent-card.json", "/metrics", "/v1/webhooks"])
      expect([path, (await ask("GET", path)).status]).toEqual([path, 200]);
    expect((await ask("POST", "/v1/backups")).status).toBe(201);
    await ask("PUT", "/v1/agents/bob", { name: "bob" });
    const made = await ask("POST", "/v1/tokens", { role: "agent", agentId: "bob" });
    const info = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "probe", version: "1" } };
    const hello = { jsonrpc: "2.0", id: 1, method: "initialize", params: info };
    expect((await ask("POST", "/mcp", hello, JSON.parse(made.text).token)).text).toContain('"serverInfo"');
    expect(await stop()).toBe(0);
  });

  test("the server as one file talks to chats and to agents elsewhere, by the libraries in it", async () => {
    const [telegram, slack] = [createFakeTelegram(), createFakeSlack()];
    const foreign = await startForeign(({ words, done }) => done(`heard ${words}`));
    atEnd(async () => void (await Promise.all([telegram.close(), slack.close(), foreign.stop()])));
    const private_ = { SIGNALBOX_EGRESS_PRIVATE: "127.0.0.1" };
    const { url, token, stop } = await start({ ...telegram.environment, ...slack.environment, ...private_ });
    const operator = createClient({ url, token });
    for (const id of ["telegram:fake_bot", "slack:fake.fakebot"]) {
      await until(async () => (await operator.agents.get(id).catch(() => undefined))?.ready === true, id);
      await operator.channels.bind(id, { target: "user" });
      await operator.channels.setAccess(id, "open");
    }
    telegram.say({ conversation: "-100200", text: "from telegram" });
    slack.say({ conversation: "C0GENERAL", text: "from slack" });
    await operator.a2a.put("far", { cardUrl: foreign.url });
    await operator.delegations.ask({ to: "far", text: "hello" });
    for (const text of ["from telegram", "from slack", "heard hello"])
      await until(async () => (await operator.inbox.read()).items.some(({ body }) => body === text), text);
    expect(await stop()).toBe(0);
  });

  test("the server as one file is made once, and anew when a source has changed, whatever its time says", async () => {
    await (await start()).stop();
    const { mtimeMs } = statSync(bundle);
    await (await start()).stop();
    expect(statSync(bundle).mtimeMs).toBe(mtimeMs);
    change("package.json", (text) => text.replace(/"version": "[^"]*"/, '"version": "9.9.9"'));
    const { ask, stop } = await start();
    expect((await ask("GET", "/v1/health")).text).toContain('"version":"9.9.9"');
    expect(await stop()).toBe(0);
  });

  test("the server as one file is passed over where it cannot be made", async () => {
    change("scripts/build.ts", () => 'throw new Error("no space");');
    const { ask, stop, program } = await start();
    expect(program).toContain("src/main.ts");
    expect((await ask("GET", "/healthz")).status).toBe(200);
    expect(await stop()).toBe(0);
  });
});
