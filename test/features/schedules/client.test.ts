import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { whenOf } from "../../../src/cli/schedules.ts";
import type { Client } from "../../../src/client/client.ts";
import { callCli } from "../../support/cli-harness.ts";
import { until } from "../../support/client-harness.ts";
import { agentOf, freshRelay, operatorOf } from "../../support/client-relay.ts";
import { startReceiver } from "../../support/receiver.ts";

// Processes are started here: on a busy machine that takes its time.
let relay: Awaited<ReturnType<typeof freshRelay>>;
let operator: Client;
let ann: Client;
beforeAll(async () => {
  relay = await freshRelay({ SIGNALBOX_EGRESS_PRIVATE: "127.0.0.0/8" });
  operator = operatorOf(relay);
  ann = await agentOf(relay, "ann");
});
afterAll(() => relay.remove());

const cli = (args: string[], stdin?: string) => callCli([...args, "--data", relay.dataDir], { stdin });
const json = async (args: string[], stdin?: string) => {
  const ran = await cli([...args, "--json"], stdin);
  if (ran.code !== 0) throw new Error(`${args.join(" ")}: ${ran.code} ${ran.stderr}`);
  return JSON.parse(ran.stdout);
};

describe("schedules from afar", () => {
  test("schedules from afar are made, listed, changed and deleted by the client", async () => {
    const made = await ann.schedules.create({ cron: "0 9 * * *", message: { to: "ann", body: "Good morning" } });
    expect(made).toMatchObject({ agentId: "ann", cron: "0 9 * * *", enabled: true });
    expect((await ann.schedules.list()).items.map(({ id }) => id)).toContain(made.id);
    expect(await ann.schedules.patch(made.id, { enabled: false })).toMatchObject({ enabled: false, nextAt: null });
    expect(await operator.schedules.get(made.id)).toMatchObject({ id: made.id, enabled: false });
    expect((await ann.schedules.fires(made.id)).items).toEqual([]);
    const fire = await ann.schedules.run(made.id);
    expect(fire).toMatchObject({ n: 1, by: "ann", outcome: "sent", message: { to: "ann" } });
    expect((await ann.schedules.fires(made.id)).items).toMatchObject([{ messageId: fire.messageId }]);
    await ann.schedules.delete(made.id);
    expect((await ann.schedules.list()).items).toEqual([]);
  });

  test("schedules from afar are sent: a reminder to oneself, in a moment", async () => {
    const at = new Date(Date.now() + 300).toISOString();
    const { id } = await ann.schedules.create({ at, message: { to: "ann", body: "now" } });
    await until(async () => (await ann.schedules.get(id)).fires === 1);
    const { items } = await ann.inbox.read({ after: 0 });
    expect(items.map(({ body }) => body)).toContain("now");
  });

  test("schedules from afar are made, shown, paused, resumed and removed on the command line", async () => {
    const made = await json(
      ["schedule", "add", "0 9 * * 1-5", "ann", "-", "--timezone", "Europe/Berlin", "--missed", "skip", "--as", "ann"],
      "Stand-up",
    );
    expect(made).toMatchObject({
      agentId: "ann",
      timezone: "Europe/Berlin",
      missed: "skip",
      message: { body: "Stand-up" },
    });
    const listed = await cli(["schedule", "list"]);
    expect(listed.stdout).toContain("0 9 * * 1-5 Europe/Berlin");
    expect(await json(["schedule", "pause", made.id])).toMatchObject({ enabled: false });
    expect((await cli(["schedule", "list"])).stdout).toContain("paused");
    expect(await json(["schedule", "resume", made.id])).toMatchObject({ enabled: true });
    expect(await json(["schedule", "show", made.id])).toMatchObject({ id: made.id, history: [] });
    expect((await cli(["schedule", "show", made.id])).stdout).toContain("Stand-up");
    expect(await json(["schedule", "remove", made.id])).toEqual({ removed: made.id });
    const again = await json(["schedule", "add", "@daily", "ann", "Again", "--model", "opus", "--as", "ann"]);
    expect(again.run).toEqual({ model: "opus" });
    const fire = await json(["schedule", "run", again.id]);
    expect(fire).toMatchObject({ n: 1, by: "user" });
    const headers = { authorization: `Bearer ${relay.token}`, "content-type": "application/json" };
    const body = JSON.stringify({ agentId: "ann", task: "Again", messageId: fire.messageId });
    const run = (await (await fetch(`${relay.url}/v1/runs`, { method: "POST", headers, body })).json()) as {
      id: string;
    };
    expect((await cli(["schedule", "show", again.id])).stdout).toMatch(
      new RegExp(`run by user +sent +#\\d+ +(waiting|offered), ${run.id} queued`),
    );
    const once = await json(["schedule", "add", "+2d", "ann", "Once", "--as", "ann"]);
    await json(["schedule", "pause", once.id]);
    await json(["schedule", "run", once.id]);
    expect((await cli(["schedule", "show", once.id])).stdout).toContain("next: paused");
    const wrong = await cli(["schedule", "add", "61 * * * *", "ann", "x"]);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain("/cron");
    const help = await cli(["schedule", "add", "--help"]);
    expect(help.stdout).toContain("signalbox schedule add +30m planner");
  });

  test("schedules from afar read when they are due from what is written", () => {
    const now = Date.parse("2026-03-01T12:00:00Z");
    expect(whenOf("+30m", now)).toEqual({ at: "2026-03-01T12:30:00.000Z" });
    expect(whenOf("+2d", now)).toEqual({ at: "2026-03-03T12:00:00.000Z" });
    expect(whenOf("2026-05-01T08:00:00+02:00", now)).toEqual({ at: "2026-05-01T08:00:00+02:00" });
    expect(whenOf("@daily", now)).toEqual({ cron: "@daily" });
  });
});

describe("webhooks from afar", () => {
  test("webhooks from afar are made, told, tested, rotated and deleted by the client", async () => {
    const receiver = startReceiver();
    const made = await ann.webhooks.create({ url: receiver.url, events: ["message.created"] });
    expect(made.secret).toStartWith("whsec_");
    await operator.messages.send({ to: "ann", body: "hello" });
    await until(() => receiver.received.length === 1);
    const tested = await ann.webhooks.test(made.id);
    await until(() => receiver.received.some(({ id }) => id === tested.id));
    await until(async () => (await ann.webhooks.deliveries(made.id, { state: "delivered" })).items.length === 2);
    const rotated = await ann.webhooks.rotate(made.id, { overlapSeconds: 60 });
    expect(rotated.secret).not.toBe(made.secret);
    expect(await ann.webhooks.patch(made.id, { status: "paused" })).toMatchObject({ status: "paused" });
    expect(await ann.webhooks.patch(made.id, { status: "active" })).toMatchObject({ status: "active" });
    expect(await ann.webhooks.redeliver(made.id)).toEqual({ redelivered: 0 });
    await ann.webhooks.delete(made.id);
    expect((await ann.webhooks.list()).items).toEqual([]);
  });

  test("webhooks from afar are made, shown, tested, rotated, paused and removed on the command line", async () => {
    const receiver = startReceiver();
    const { url } = receiver;
    const made = await json(["webhook", "add", url, "--event", "work.done", "work.dead", "--to", "ann", "--as", "ann"]);
    expect(made).toMatchObject({ agentId: "ann", events: ["work.done", "work.dead"], filter: { to: "ann" } });
    expect((await cli(["webhook", "list"])).stdout).toContain(url);
    expect((await cli(["webhook", "show", made.id])).stdout).not.toContain("whsec_");
    await json(["webhook", "test", made.id]);
    await until(() => receiver.types().includes("webhook.test"));
    expect((await json(["webhook", "rotate", made.id, "--overlap", "60"])).secret).not.toBe(made.secret);
    expect(await json(["webhook", "pause", made.id])).toMatchObject({ status: "paused" });
    expect(await json(["webhook", "resume", made.id])).toMatchObject({ status: "active" });
    expect((await cli(["webhook", "deliveries", made.id])).stdout).toContain("webhook.test");
    expect(await json(["webhook", "redeliver", made.id])).toEqual({ redelivered: 0 });
    expect(await json(["webhook", "remove", made.id])).toEqual({ removed: made.id });
    const wrong = await cli(["webhook", "add", "ftp://example.com/"]);
    expect(wrong.stderr).toContain("/url");
  });
});
