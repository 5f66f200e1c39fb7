import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { startRelay, type TestRelay, tempFolder } from "../../support/relay.ts";
import { startCrew } from "../../support/runs.ts";

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];

/** Totals by series. */
async function totals({ ask }: Pick<TestRelay, "ask">, query = ""): Promise<Record<string, number | null>> {
  const { body } = await ask("GET", `/v1/stats?${query}`);
  return Object.fromEntries(body.items.map(({ series, total }: { series: string; total: number }) => [series, total]));
}

/** Totals of the groups of one series. */
async function groups({ ask }: Pick<TestRelay, "ask">, series: string, by: string, more = "") {
  const { body } = await ask("GET", `/v1/stats?series=${series}&by=${by}${more}`);
  return Object.fromEntries(body.items.map(({ key, total }: { key: string; total: number }) => [key, total]));
}

const values = async ({ ask }: Pick<TestRelay, "ask">, query: string) =>
  (await ask("GET", `/v1/stats?${query}`)).body.items[0].values;

describe("series", () => {
  test("messages, work, delegations, runs and approvals are counted as they happen, and after a restart", async () => {
    const crew = await startCrew();
    const { ask, ada, bob, cid } = crew;
    const before = await totals(crew);
    for (const to of ["bob", "bob", "cid"]) await ask("POST", "/v1/messages", { to, body: "x" }, ada);
    for (let n = 0; n < 3; n++) await ask("POST", "/v1/messages", { to: "bob", body: "work", claimable: true }, ada);
    await crew.end("complete", bob, await crew.claim(bob));
    await crew.end("fail", bob, await crew.claim(bob), { error: "no", final: true });
    await ask("GET", "/v1/agents/cid/inbox", undefined, cid);
    await crew.pass(2000);
    await ask("GET", "/v1/agents/bob/inbox", undefined, bob);
    await ask("GET", "/v1/agents/bob/inbox", undefined, bob);
    const delegation = await crew.delegate(ada, "bob");
    await crew.pass(20_000);
    await crew.on(delegation, "response", bob, { text: "done" });
    const run = await crew.run(bob, {});
    await crew.pass(10_000);
    await crew.finish(bob, run, { result: "x" });
    const options = [
      { id: "yes", label: "Allow", decision: "allow", scope: "once" },
      { id: "no", label: "Deny", decision: "deny" },
    ];
    const subject = { type: "command", line: "ls", cwd: "/work" };
    const asked = { kind: "permission", subject, title: "ls", options, default: "no", expiresInSeconds: 600 };
    const approval = (await ask("POST", "/v1/approvals", asked, bob)).body;
    await crew.pass(30_000);
    await ask("POST", `/v1/approvals/${approval.id}/answer`, { option: "yes", hash: approval.hash });
    await ask("GET", "/v1/messages/999999");
    const after = await totals(crew);
    const grown = Object.fromEntries(Object.entries(after).map(([name, n]) => [name, (n ?? 0) - (before[name] ?? 0)]));
    expect(grown).toMatchObject({
      ...{
        workWaiting: 1,
        claims: 2,
        completions: 1,
        failures: 1,
        deadLetters: 1,
        delegations: 1,
        delegationsEnded: 1,
      },
      ...{ answerSeconds: 20, runsStarted: 1, runsEnded: 1, runSeconds: 10, approvals: 1, approvalsEnded: 1 },
      ...{ approvalSeconds: 30, refused: 1, errors: 0 },
    });
    const whole = async () => [
      await totals(crew),
      await groups(crew, "messages", "agent"),
      await groups(crew, "approvalsEnded", "outcome"),
      await groups(crew, "runsEnded", "outcome"),
      await groups(crew, "refused", "status"),
      await groups(crew, "answerSeconds", "within"),
    ];
    const shown = await whole();
    expect(shown.slice(1)).toMatchObject([{ ada: 7 }, { allow: 1 }, { ok: 1 }, { 404: 1 }, { 60: 1 }]);
    const head = (await ask("GET", "/v1/messages?limit=1")).body.items[0].id;
    expect(shown[0]?.messages).toBe(head);
    await crew.restart();
    expect(await whole()).toEqual(shown);
  });

  test("values stand in their steps across hours and days, levels stay, and what is not kept is null", async () => {
    const world = await startRelay();
    const { ask, clock } = world;
    const ann = await world.agent("ann");
    await world.agent("bob");
    const send = (more = {}) => ask("POST", "/v1/messages", { to: "bob", body: "x", ...more }, ann);
    // 12:00 to the last minute of the day.
    await world.pass(12 * HOUR - MINUTE);
    await send({ claimable: true });
    await world.pass(MINUTE);
    await send();
    await send({ claimable: true });
    await world.pass(10 * MINUTE);
    const around = "from=2026-03-01T23:58:00Z&to=2026-03-02T00:03:00Z";
    expect(await values(world, `series=messages&step=minute&${around}`)).toEqual([0, 1, 2, 0, 0]);
    expect(await values(world, `series=workWaiting&step=minute&${around}`)).toEqual([0, 1, 2, 2, 2]);
    expect(await values(world, `series=messages&by=agent&step=hour&${around}`)).toEqual([1, 2]);
    expect(await values(world, `series=messages&step=day&${around}`)).toEqual([1, 2]);
    // Before the first start, and in the future.
    const wide = "from=2026-03-01T11:58:00Z&to=2026-03-02T00:12:00Z&series=messages&step=minute";
    const all = await values(world, wide);
    expect([all.slice(0, 3), all.slice(-3)]).toEqual([
      [null, null, 0],
      [0, 0, null],
    ]);

    // The clock is set back by an hour: what happens then is counted there, too.
    clock.jump(-HOUR);
    await send();
    expect(await values(world, `series=messages&step=hour&from=2026-03-01T23:00:00Z&to=2026-03-02T01:00:00Z`)).toEqual([
      2, 2,
    ]);
  });

  test("each step is kept for its time, and no longer", async () => {
    const world = await startRelay();
    const ann = await world.agent("ann");
    const send = () => world.ask("POST", "/v1/messages", { to: "ann", body: "x" }, ann);
    for (let n = 0; n < 3; n++) await send();
    const rows = async () =>
      world.relay.db.read(async (on) =>
        on.db.all<{ step: number; n: number }>(
          "select step, count(*) as n from stats where series = 'messages' group by step",
        ),
      );
    const stepsKept = async () => (await rows()).map(({ step }) => step);
    await world.ask("GET", "/v1/stats");
    expect(await stepsKept()).toEqual([MINUTE, HOUR, DAY]);
    const away = async (ms: number) => {
      await world.restart(ms);
      // Retention is careful for a day after such a jump.
      await world.pass(DAY + 2 * HOUR);
      await world.pass(HOUR);
    };
    await away(2 * DAY);
    expect(await stepsKept()).toEqual([HOUR, DAY]);
    await away(90 * DAY);
    expect(await stepsKept()).toEqual([DAY]);
    const { body } = await world.ask(
      "GET",
      "/v1/stats?series=messages&step=day&from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z",
    );
    expect(body.items[0].total).toBe(3);
    expect(
      (await world.ask("GET", "/v1/flow?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z")).body.edges,
    ).toMatchObject([{ from: "ann", to: "ann", messages: 3 }]);
    await away(731 * DAY);
    expect(await stepsKept()).toEqual([]);
    expect((await world.ask("GET", "/v1/flow?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z")).body.edges).toEqual(
      [],
    );
  });

  test("messages that a crash took out of memory are counted again at the start, each once", async () => {
    const first = await startRelay();
    const ann = await first.agent("ann");
    await first.agent("bob");
    await first.ask("POST", "/v1/messages", { to: "bob", body: "x" }, ann);
    await first.pass(6000);
    for (let n = 0; n < 4; n++) await first.ask("POST", "/v1/messages", { to: "bob", body: "x" }, ann);
    // The copy is a machine that lost its memory at this moment.
    const copy = tempFolder();
    await first.relay.db.offThread.run("backup", { to: join(copy, "signalbox.db") });
    const second = await startRelay({ dataDir: copy });
    await second.pass(6000);
    expect(await groups(second, "messages", "agent")).toMatchObject({ ann: 5 });
    expect((await second.ask("GET", "/v1/flow")).body.edges).toMatchObject([{ from: "ann", to: "bob", messages: 5 }]);
    await second.restart();
    expect(await groups(second, "messages", "agent")).toMatchObject({ ann: 5 });
  });

  test("a crash between two parts of who wrote to whom leaves every message counted once", async () => {
    const world = await startRelay();
    const [ann, bob] = [await world.agent("ann"), await world.agent("bob")];
    const send = (to: string, by: typeof ann) => world.ask("POST", "/v1/messages", { to, body: "x" }, by);
    await send("bob", ann);
    await world.ask("GET", "/v1/flow");
    const { id: before } = (await send("bob", ann)).body;
    await send("ann", bob);
    const { id: last } = (await send("ann", ann)).body;
    await send("bob", bob);
    const edges = (await world.ask("GET", "/v1/flow")).body.edges;
    expect(edges.length).toBe(4);
    // The first edge of the next three is stored, the other two are not; the last message is beyond them.
    await world.relay.db.write(async (tx) => {
      tx.db.run("delete from flow where from_id = 'bob' or target = 'bob'");
      tx.db.run("insert into flow select step, at, 'ann', 'bob', 1, 0, last_at from flow where from_id = 'ann'");
      for (const [name, position] of [
        ["flow", before - 1],
        ["flowTo", last],
        ["flowDone", 1],
      ] as const)
        tx.db.run(sql`insert or replace into stats_marks values (${name}, ${position})`);
    });
    await world.restart();
    expect((await world.ask("GET", "/v1/flow")).body.edges).toEqual(edges);
    await world.restart();
    expect((await world.ask("GET", "/v1/flow")).body.edges).toEqual(edges);
  });

  test("garbage in a query is refused with its place", async () => {
    const { ask } = await startRelay();
    const garbage = {
      ...{ "series=": "series", "series=messages,lies": "series", "series=toString": "series", "by=agent": "by" },
      ...{
        "series=messages,claims&by=agent": "by",
        "series=messages&by=status": "by",
        "series=workWaiting&by=agent": "by",
      },
      ...{ "step=second": "step", "from=now": "from", "to=%F0": "to", "from=2027-01-01T00:00:00Z": "from" },
      ...{ "from=2026-02-02T00:00:00Z&to=2026-02-01T00:00:00Z": "to", "from=2020-01-01T00:00:00Z&step=minute": "step" },
      ...{
        "from=0000-01-01T00:00:00Z&to=9999-12-31T23:59:59.999Z": "step",
        "step=minute&from=2026-02-27T12:00:00Z": "step",
      },
      ...{ "limit=5": "limit", "from=2026-02-02T00:00:00Z&from=2026-02-03T00:00:00Z": "from" },
    };
    for (const [query, pointer] of Object.entries(garbage)) {
      const { status, body } = await ask("GET", `/v1/stats?${query}`);
      const pointers = body.errors?.map((error: { pointer: string }) => error.pointer.split(".")[0]);
      expect({ query, status, pointers }).toEqual({ query, status: 422, pointers: [pointer] });
    }
    for (const query of ["limit=0", "limit=1001", "from=x", "by=agent", "to=0000-01-01T00:00:00Z"])
      expect((await ask("GET", `/v1/flow?${query}`)).status).toBe(422);
    const span = "from=0000-01-01T00:00:00Z&to=9999-12-31T23:59:59.999Z";
    expect((await ask("GET", `/v1/flow?${span}`)).body).toMatchObject({
      ...{ from: "0000-01-01T00:00:00.000Z", to: "9999-12-31T23:59:59.999Z", edges: [], more: false },
    });
  });
});
