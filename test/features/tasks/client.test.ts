import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import type { Client } from "../../../src/client/client.ts";
import { callCli, tempFolder } from "../../support/cli-harness.ts";
import { agentOf, freshRelay, operatorOf } from "../../support/client-relay.ts";

// Processes are started here: on a busy machine that takes its time.
let relay: Awaited<ReturnType<typeof freshRelay>>;
let operator: Client;
let ann: Client;
const folder = tempFolder();
beforeAll(async () => {
  relay = await freshRelay();
  operator = operatorOf(relay);
  ann = await agentOf(relay, "ann", { tags: ["ops"] });
});
afterAll(async () => {
  await relay.remove();
  folder.remove();
});

const cli = (args: string[], stdin?: string) => callCli([...args, "--data", relay.dataDir], { stdin });
const json = async (args: string[], stdin?: string) => JSON.parse((await cli([...args, "--json"], stdin)).stdout);

test("a task is made, found, claimed, worked on and ended by the client", async () => {
  const draft = { title: "Disk full", target: "tag:ops", severity: "error" as const };
  const made = await operator.tasks.create(draft, { idempotencyKey: "k-1" });
  expect(await operator.tasks.create(draft, { idempotencyKey: "k-1" })).toMatchObject({ id: made.id });
  expect((await ann.tasks.list({ status: "open", severity: "error" })).items.map(({ id }) => id)).toContain(made.id);
  expect(await ann.tasks.claim(made.id, { leaseSeconds: 60 })).toMatchObject({ task: { holder: "ann" } });
  expect(await ann.tasks.renew(made.id, { leaseSeconds: 90 })).toMatchObject({ task: { status: "claimed" } });
  expect(await ann.tasks.setStatus(made.id, { status: "in_progress" })).toMatchObject({ status: "in_progress" });
  expect(await ann.tasks.release(made.id)).toMatchObject({ message: { state: "open" }, task: { status: "open" } });
  const { items } = await ann.claims.claimNext();
  expect(items[0]?.task?.id).toBe(made.id);
  expect(await ann.tasks.setStatus(made.id, { status: "done", note: "ok" })).toMatchObject({ status: "done" });
  const { events, nextPage } = await operator.tasks.get(made.id, { limit: 2 });
  expect(events.map(({ to }) => to)).toEqual(["claimed", "done"]);
  expect((await operator.tasks.get(made.id, { page: nextPage ?? "" })).events).toHaveLength(4);
});

test("whoever works is handed the task with its message", async () => {
  const ben = await agentOf(relay, "ben");
  const made = await operator.tasks.create({ title: "Look at it", target: "ben" });
  const stop = new AbortController();
  let given: string | undefined;
  const handler = (_: unknown, { task }: { task?: { id: string } }) => {
    given = task?.id;
    stop.abort();
    return "looked";
  };
  await ben.work({ handler, signal: stop.signal }).catch(() => undefined);
  expect(given).toBe(made.id);
  expect((await operator.tasks.get(made.id)).status).toBe("done");
});

test("an integration is made, posted to by its signature and by the client, and removed", async () => {
  const { secret = "" } = await operator.integrations.put("ci", { target: "ann" });
  const body = JSON.stringify({ title: "Nightly failed", dedupeKey: "nightly" });
  const at = new Date();
  const headers = {
    "content-type": "application/json",
    "webhook-id": "msg_1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(secret).sign("msg_1", at, body),
  };
  const signed = await fetch(`${relay.url}/v1/integrations/ci/events`, { method: "POST", headers, body });
  expect(signed.status).toBe(201);
  const again = await operator.integrations.post("ci", JSON.parse(body), { idempotencyKey: "k" });
  expect(again).toMatchObject({ created: false, task: { count: 2 } });
  expect(await operator.integrations.post("ci", JSON.parse(body), { idempotencyKey: "k" })).toEqual(again);
  expect((await operator.integrations.list()).items.map(({ source }) => source)).toEqual(["ci"]);
  expect(await operator.integrations.get("ci")).toMatchObject({ verify: "standard", target: "ann" });
  await operator.integrations.delete("ci");
  expect((await operator.integrations.list()).items).toEqual([]);
});

test("all of it by the command line", async () => {
  const put = await cli([
    "integration",
    "put",
    "alerts",
    "--target",
    "tag:ops",
    "--mapping",
    "generic",
    "--verify",
    "token",
  ]);
  expect(put.stdout).toMatch(/secret +sbi_.*shown this once/s);
  expect((await cli(["integration", "list"])).stdout).toMatch(/alerts +generic +token +tag:ops/);
  const event = { title: "Disk \u001b[31mfull", severity: "critical", dedupeKey: "d" };
  const refused = await cli(["integration", "post", "alerts", JSON.stringify(event)]);
  expect(refused.stderr).toContain("/title");
  const posted = await json(["integration", "post", "alerts"], JSON.stringify({ ...event, title: "Disk full" }));
  expect(posted).toMatchObject({ created: true, task: { title: "Disk full", source: "alerts" } });
  const { id } = posted.task;
  expect((await cli(["task", "list", "--source", "alerts"])).stdout).toMatch(
    /tsk_\w+ +open +critical +tag:ops +- +1 .*Disk full/,
  );
  expect((await cli(["task", "claim", id, "--as", "ann"])).stdout).toContain("[critical] Disk full");
  expect((await cli(["task", "status", id, "blocked", "--note", "waits for parts"])).stdout).toContain(
    "blocked by ann",
  );
  expect((await cli(["task", "show", id])).stdout).toMatch(/claimed → blocked +waits for parts/);
  expect((await cli(["task", "status", id, "nonsense"])).code).toBe(2);
  expect(await json(["task", "status", id, "done"])).toMatchObject({ status: "done" });
  const made = await json(["task", "create", "Look at it", "--body", "-", "--target", "ann"], "All of it\n");
  expect(made).toMatchObject({ title: "Look at it", body: "All of it", from: "user", target: "ann" });
  writeFileSync(join(folder.path, "secret"), "a-secret-that-sentry-made\n");
  const sentry = await json([
    "integration",
    "put",
    "sentry",
    "--mapping",
    "sentry",
    "--secret-file",
    join(folder.path, "secret"),
  ]);
  expect(sentry).toMatchObject({ verify: "sentry" });
  expect(sentry.secret).toBeUndefined();
  expect((await cli(["integration", "show", "sentry"])).stdout).not.toContain("secret");
  expect((await cli(["integration", "remove", "sentry"])).stdout).toBe("sentry is removed\n");
  expect((await cli(["integration", "post", "alerts", "[]"])).code).toBe(2);
});
