import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { tempFolder } from "../support/cli-harness.ts";
import { agentOf, freshRelay } from "../support/client-relay.ts";

// Processes are started here: on a busy machine that takes its time.
let relay: Awaited<ReturnType<typeof freshRelay>>;
const folder = tempFolder();
beforeAll(async () => {
  relay = await freshRelay();
});
afterAll(async () => {
  await relay.remove();
  folder.remove();
});

/** Program of a user, in plain JavaScript. */
const PROGRAM = `
import { createClient, RelayProblem, RelayUnreachable } from "./client.js";

const [url, operatorToken] = process.argv.slice(2);
const operator = createClient({ url, token: operatorToken });
const { token } = await operator.tokens.create({ role: "agent", agentId: "noel" });
const noel = createClient({ url, token, instanceId: "n-1" });
await noel.agents.register("noel", { name: "Noel" });

const stop = new AbortController();
const work = noel.work({ signal: stop.signal, handler: ({ body }) => body + "!" });
const task = await operator.messages.send({ to: "noel", body: "done", claimable: true });
const talk = await operator.messages.send({ to: "noel", body: "h\\u00e9llo" });
const seen = [];
for await (const entry of noel.follow({ ack: true })) {
  seen.push(entry.body);
  if (entry.id === talk.id) break;
}
let answer;
while (!answer) [answer] = (await operator.messages.list({ thread: task.id, kind: "response" })).items;
stop.abort();
await work;
const served = new AbortController();
const serving = noel.runs.serve({ signal: served.signal, handler: (run) => { run.say("watched"); return run.turn.text + "!"; } });
const run = await operator.runs.create({ agentId: "noel", task: "run" });
let watched = "";
for await (const { part } of operator.runs.follow(run.id)) if (part.type === "text-delta") watched += part.delta;
const { result } = await operator.runs.get(run.id);
served.abort();
await serving;
const refused = await noel.tokens.list().catch((error) => error instanceof RelayProblem && error.code);
const nobody = createClient({ url: "http://127.0.0.1:1" });
const unreachable = await nobody.health({ retries: 0 }).catch((error) => error instanceof RelayUnreachable);
console.log(JSON.stringify({ version: process.version, seen, answer: answer.body, watched, result: result.text, refused, unreachable }));
`;

test("the client works under Node", async () => {
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, "../../src/client/client.ts")],
    outdir: folder.path,
    target: "browser",
  });
  expect(built.success).toBe(true);
  await Bun.write(join(folder.path, "package.json"), '{"type":"module"}');
  await Bun.write(join(folder.path, "program.js"), PROGRAM);
  const node = Bun.spawn(["node", join(folder.path, "program.js"), relay.url, relay.token], { stderr: "inherit" });
  const said = JSON.parse(await new Response(node.stdout).text());
  expect(await node.exited).toBe(0);
  expect(said).toMatchObject({ seen: ["done", "héllo"], answer: "done!", refused: "forbidden", unreachable: true });
  expect(said).toMatchObject({ watched: "watched", result: "run!" });
});

const bundle = () =>
  Bun.build({
    entrypoints: [join(import.meta.dir, "../../src/client/client.ts")],
    target: "browser",
    metafile: true,
  });

test("a browser's bundle holds the client, the protocol and zod, and no module of the server", async () => {
  const modules = Object.keys((await bundle()).metafile?.inputs ?? {});
  expect(modules).toContainEqual(expect.stringMatching(/src\/client\/client\.ts$/));
  expect(modules.filter((path) => !/(src\/(client|protocol)\/[\w-]+\.ts|node_modules\/zod\/.*)$/.test(path))).toEqual(
    [],
  );
});

test("the client needs nothing that only one runtime has", async () => {
  const code = await (await bundle()).outputs[0]?.text();
  expect(code).not.toMatch(/from ?"(node:|bun)|\bBun\.|\bprocess\.|\bBuffer\b/);
  // The sources need no building under Bun.
  expect(await (await agentOf(relay, "bunny")).whoami()).toMatchObject({ agentId: "bunny" });
});
