import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { callCli, runLine, tempFolder } from "../support/cli-harness.ts";
import { freshRelay, operatorOf } from "../support/client-relay.ts";
import { PROGRAM } from "../support/program.ts";

// Processes are started here: on a busy machine that takes its time.
let relay: Awaited<ReturnType<typeof freshRelay>>;
const folder = tempFolder();
beforeAll(async () => {
  relay = await freshRelay();
  for (const id of ["ann", "bob"]) await operatorOf(relay).agents.register(id, { name: id });
});
afterAll(async () => {
  await relay.remove();
  folder.remove();
});

const cli = (args: string[], stdin?: string) => callCli([...args, "--data", relay.dataDir], { stdin });

test("a file of a secret that cannot be read is wrong usage, told in a line", async () => {
  const missing = join(folder.path, "nowhere");
  for (const args of [
    ["integration", "put", "errors", "--mapping", "sentry", "--secret-file", missing],
    ["a2a", "put", "weather", "https://agents.example.com/", "--token-file", missing],
  ]) {
    const ran = await cli(args);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toStartWith(`signalbox: ${missing} cannot be read: there is no such file`);
    expect(ran.stderr.trim().split("\n")).toHaveLength(1);
  }
});

test("what is wrong is said once, with its place", async () => {
  const ran = await cli(["delegate", "bob", "x", "--timeout", "0", "--as", "ann"]);
  expect(ran.code).toBe(1);
  expect(ran.stderr.match(/has to be at least 1/g)).toHaveLength(1);
  expect(ran.stderr).toContain("/timeoutSeconds");
  const two = await cli(["integration", "put", "ci"]).then(() => cli(["integration", "post", "ci", '{"titel": "x"}']));
  expect(two.stderr.match(/\/title /g)).toHaveLength(1);
  expect(two.stderr).toContain("/titel: is not known here");
});

test("options that need another are wrong usage, told with the other", async () => {
  const attempts = await cli(["send", "bob", "x", "--max-attempts", "3"]);
  expect([attempts.code, attempts.stderr]).toEqual([2, expect.stringContaining("add --claimable")]);
  const headers = await callCli(["hook", "headers"]);
  expect([headers.code, headers.stderr]).toEqual([2, expect.stringContaining("--keys")]);
});

test.if(existsSync("/dev/full"))("output that cannot be written is told in a line, whoever writes it", async () => {
  const program = PROGRAM.map((word) => `'${word}'`).join(" ");
  for (const args of ["--help", `agents list --data '${relay.dataDir}'`]) {
    const { stdout, code } = await runLine(`${program} ${args} 2>&1 >/dev/full`, folder.path);
    expect([args, code, stdout]).toEqual([args, 1, "signalbox: the disk is full\n"]);
  }
});

test("a refusal of our own has a word with --json", async () => {
  const ran = await cli(["delegate", "bob", "x", "--wait", "--timeout", "1", "--as", "ann", "--json"]);
  expect(ran.code).toBe(1);
  expect(JSON.parse(ran.stdout)).toMatchObject({ answer: { text: "bob did not answer within 1 seconds" } });
  expect(ran.stderr).toContain('"code":"problem"');
});

test.each([
  [
    "nothing that listens",
    ["health", "--url", "http://127.0.0.1:1"],
    3,
    "nothing listens there. Start the relay (signalbox serve)",
  ],
  ["a name without an address", ["health", "--url", "http://relay.invalid"], 3, "Check the name"],
  ["no relay", ["health", "--url", "ftp://127.0.0.1"], 2, "which is not an address like http://127.0.0.1:4747"],
  ["keys that are none", ["health", "--keys", "/dev/null"], 2, "run signalbox connect again"],
  ["a folder as keys", ["health", "--keys", "/"], 2, "it is a folder, not a file"],
])("%s is told with the way out, in a line", async (_, args, code, said) => {
  const ran = await callCli(args);
  expect(ran.code).toBe(code);
  expect(ran.stderr).toContain(said);
  expect(ran.stderr.trim().split("\n")).toHaveLength(1);
  expect(ran.stderr).not.toMatch(/ECONN|ENOTFOUND|EISDIR|Unable to connect|JSON Parse| {4}at /);
});

test.each([
  [
    "claim without an agent",
    ["claim"],
    4,
    "There is no work to claim: an operator's token acts as user. Name the agent with --as",
  ],
  ["to complete without an agent", ["complete", "1", "x"], 4, "Name the agent with --as"],
  [
    "a webhook to this machine",
    ["webhook", "add", "http://127.0.0.1:9/hook", "--event", "message.created"],
    1,
    "127.0.0.1 is a loopback address. Add it to SIGNALBOX_EGRESS_PRIVATE to allow it",
  ],
  ["no work at a time", ["work", "--concurrency", "0", "--", "true"], 2, "It has to be at least 1."],
  ["a limit out of bounds", ["search", "x", "--limit", "9999"], 1, "limit has to be a whole number from 1 to 500"],
  ["an id that is none", ["task", "show", "seventeen"], 1, "id has to be the id of a task"],
  ["a folder to send", ["file", "put", "/"], 2, "it is missing or not a file"],
])("%s is told with the rule and the way out", async (_, args, code, said) => {
  const ran = await cli(args);
  expect(ran.stderr).toContain(said);
  expect(ran.code).toBe(code);
  expect(ran.stderr).not.toMatch(/Invalid|Too (small|big)|expected| {4}at /);
});

test("a time that is none is told with what would be one", async () => {
  for (const when of ["tomorrow", "+2s"]) {
    const ran = await cli(["schedule", "add", when, "ann", "x"]);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain("+30m");
  }
});

test("what is sent later is sent at a time, and what is none is said once", async () => {
  const ran = await cli(["send", "ann", "later", "--deliver-at", "+1m"]);
  expect(ran).toMatchObject({ code: 1, stderr: "signalbox: /deliverAt is not a time like 2026-05-04T09:00:00Z\n" });
});

test("a secret that Sentry could not know is pointed out", async () => {
  const ran = await cli(["integration", "put", "errors", "--mapping", "sentry"]);
  expect(ran.stderr).toContain("--secret-file");
});

test("rm and remove are one word", async () => {
  for (const group of ["agents", "orchestrators", "integration", "schedule", "webhook"])
    for (const word of ["rm", "remove"])
      expect((await cli(["help", group, word])).stdout).toMatch(/^Usage: signalbox \w+ (rm\|remove|remove\|rm)/);
});

test("help goes as deep as the command does", async () => {
  const deep = await cli(["help", "task", "claim"]);
  expect(deep.code).toBe(0);
  expect(deep.stdout).toStartWith("Usage: signalbox task claim");
  expect(deep.stdout).toContain("Example:");
  expect((await cli(["help"])).stdout).toContain("Exit codes:");
  expect(await cli(["help", "task", "nonsense"])).toMatchObject({ code: 2 });
});

test("a task ended in an agent's name ends by its lease: the note is the agent's answer", async () => {
  const created = await cli(["task", "create", "Disk full", "--target", "bob", "--as", "ann", "--json"]);
  const { id, messageId } = JSON.parse(created.stdout);
  await cli(["task", "claim", id, "--as", "bob"]);
  expect((await cli(["task", "status", id, "done", "--note", "Freed 10 GB", "--as", "bob"])).code).toBe(0);
  const { items } = await operatorOf(relay).inbox.read({}, { agentId: "ann" });
  expect(items).toContainEqual(
    expect.objectContaining({ from: "bob", kind: "response", replyTo: messageId, body: "Freed 10 GB" }),
  );
});

test("a message to a group that nobody is in is pointed out, with the nearest group", async () => {
  await operatorOf(relay).agents.register("carl", { name: "Carl", tags: ["build"], capabilities: ["review"] });
  for (const [target, near] of [
    ["tag:biuld", "tag:build"],
    ["cap:reveiw", "cap:review"],
    ["label:build", "tag:build"],
  ] as const) {
    const ran = await cli(["send", target, "x"]);
    expect(ran.code).toBe(0);
    expect(ran.stderr).toStartWith(`Nobody is in ${target} now. Did you mean ${near}`);
  }
  expect((await cli(["send", "tag:build", "x"])).stderr).toBe("");
  const json = await cli(["send", "tag:qqqqqqqqqqqqqqqq", "x", "--json"]);
  expect(JSON.parse(json.stdout)).toMatchObject({ matched: 0, suggestions: [] });
});

test("a group of commands lists by default", async () => {
  for (const group of ["agents", "tokens", "task", "schedule", "webhook", "channel", "delegation", "pair"]) {
    const [short, long] = [await cli([group, "--json"]), await cli([group, "list", "--json"])];
    expect(short).toMatchObject({ code: 0, stderr: "" });
    expect(Object.keys(JSON.parse(short.stdout))).toEqual(Object.keys(JSON.parse(long.stdout)));
  }
  expect((await cli(["agents", "--tag", "nobody-has-it"])).stdout).not.toContain("ann");
  expect((await cli(["agents", "--tag", "build"])).stdout).toContain("carl");
  const wrong = await cli(["agents", "lst"]);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain("unknown command 'lst'\n(Did you mean list?)");
  expect(await cli(["agents", "--nonsense"])).toMatchObject({ code: 2 });
});
