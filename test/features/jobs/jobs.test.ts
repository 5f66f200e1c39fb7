import { describe, expect, test } from "bun:test";
import { VERSION } from "../../../src/version.ts";
import { type Crew, startCrew, type Worker } from "../../support/work.ts";

const DAY = 86_400_000;
const HOUR = 3_600_000;
const nightly = { id: "nightly", name: "Nightly report", schedule: "0 3 * * *" };
const hourly = { id: "hourly", name: "Hourly", schedule: "every hour", enabled: false };
const START = "2026-03-01T03:00:00.000Z";

/** A crew whose ann has two jobs; the clock begins on 2026-03-01 12:00 UTC. */
async function startWorld() {
  const crew = await startCrew();
  const { ask, ann } = crew;
  const operator: Worker = { id: "user", token: crew.relay.operatorToken };
  const put = (items: object[], who: Worker = ann, id = who.id) => ask("PUT", `/v1/agents/${id}/jobs`, { items }, who);
  await put([nightly, hourly]);
  return {
    crew,
    operator,
    put,
    report: (run: object, who: Worker = ann, job = "nightly") =>
      ask("POST", `/v1/agents/ann/jobs/${job}/runs`, { startedAt: START, ...run }, who),
    jobs: async (id = "ann") => (await ask("GET", `/v1/agents/${id}/jobs`)).body.items,
    runs: async (query = "") => (await ask("GET", `/v1/agents/ann/jobs/nightly/runs${query}`)).body,
    order: (what: "run" | "delete", job = "nightly", key?: string) =>
      ask("POST", `/v1/agents/ann/jobs/${job}/${what}`, undefined, {
        ...operator,
        headers: key ? { "idempotency-key": `"${key}"` } : {},
      }),
  };
}

const ids = (items: { id: string }[]) => items.map(({ id }) => id);
const controls = async (crew: Crew) => (await crew.inbox(crew.ann)).filter(({ kind }) => kind === "control");

describe("jobs of an agent", () => {
  test("jobs of an agent are shown as the agent told them, to it and to operators", async () => {
    const { crew, jobs } = await startWorld();
    expect(await jobs()).toEqual([
      {
        ...{ agentId: "ann", ...hourly, lastRunAt: null, lastRun: null },
        updatedAt: "2026-03-01T12:00:00.000Z",
      },
      {
        ...{ agentId: "ann", ...nightly, enabled: true, lastRunAt: null, lastRun: null },
        updatedAt: "2026-03-01T12:00:00.000Z",
      },
    ]);
    const own = await crew.ask("GET", "/v1/agents/ann/jobs?limit=1", undefined, crew.ann);
    expect(own.body).toMatchObject({ items: [{ id: "hourly" }], nextPage: "ann/hourly" });
    const next = await crew.ask("GET", "/v1/agents/ann/jobs?page=ann/hourly", undefined, crew.ann);
    expect(ids(next.body.items)).toEqual(["nightly"]);
  });

  test("jobs of an agent are replaced as a whole, for that agent alone", async () => {
    const { crew, put, jobs } = await startWorld();
    await put([{ ...nightly, id: "mine" }], crew.ben);
    const told = await put([{ ...nightly, name: "Report" }]);
    expect(told.body).toMatchObject({ items: [{ id: "nightly", name: "Report", enabled: true }], nextPage: null });
    expect(ids(await jobs())).toEqual(["nightly"]);
    expect(ids(await jobs("ben"))).toEqual(["mine"]);
    const all = (await crew.ask("GET", "/v1/jobs")).body.items;
    expect(all.map(({ agentId, id }: { agentId: string; id: string }) => `${agentId}/${id}`)).toEqual([
      "ann/nightly",
      "ben/mine",
    ]);
    expect(ids((await crew.ask("GET", "/v1/jobs", undefined, crew.ben)).body.items)).toEqual(["mine"]);
    const page = (await crew.ask("GET", "/v1/jobs?limit=1")).body;
    expect(page.nextPage).toBe("ann/nightly");
    expect(ids((await crew.ask("GET", `/v1/jobs?page=${page.nextPage}`)).body.items)).toEqual(["mine"]);
  });

  test("jobs of an agent that are told again in the same words change nothing", async () => {
    const { crew, operator, put, jobs } = await startWorld();
    const before = await jobs();
    crew.clock.advance(60_000);
    await put([hourly, nightly], operator, "ann");
    expect(await jobs()).toEqual(before);
    expect((await crew.ask("GET", "/v1/activity?verb=jobs.changed")).body.items).toEqual([]);
    await put([{ ...hourly, enabled: true }, nightly]);
    const now = "2026-03-01T12:01:00.000Z";
    expect((await jobs()).map(({ updatedAt }: { updatedAt: string }) => updatedAt)).toEqual([now, before[1].updatedAt]);
  });

  test("G10: jobs of an agent are written by it alone, or by an operator, whose act is recorded", async () => {
    const { crew, operator, put, report, jobs } = await startWorld();
    expect((await put([], crew.ben, "ann")).status).toBe(403);
    expect((await report({ id: "1", status: "ok" }, crew.ben)).status).toBe(403);
    expect((await crew.ask("GET", "/v1/agents/ann/jobs", undefined, crew.ben)).status).toBe(403);
    expect((await crew.ask("GET", "/v1/jobs?agent=ann", undefined, crew.ben)).status).toBe(403);
    expect((await crew.ask("GET", "/v1/agents/ann/jobs/nightly/runs", undefined, crew.ben)).status).toBe(403);
    expect((await crew.ask("POST", "/v1/agents/ann/jobs/nightly/run", undefined, crew.ann)).status).toBe(403);
    expect(await jobs()).toHaveLength(2);
    await put([nightly], operator, "ann");
    await report({ id: "1", status: "ok" }, operator);
    const { items } = (await crew.ask("GET", "/v1/activity?subject=ann")).body;
    expect(items.slice(0, 2)).toMatchObject([
      { verb: "job.reported", data: { jobId: "nightly", runId: "1" } },
      { verb: "jobs.changed", data: { jobs: 1 } },
    ]);
  });

  test("G10: jobs of an agent are written and read by the orchestrator that enrolled it, and no other agent's", async () => {
    const { crew, put, jobs } = await startWorld();
    const made = await crew.ask("PUT", "/v1/orchestrators/box", {
      hostname: "box",
      version: VERSION,
      baseDir: "/srv",
      providers: [],
    });
    expect(made.status).toBe(201);
    const draft = { role: "orchestrator", agentId: "orchestrator-box", prefix: "box-" };
    const box: Worker = { id: "box", token: (await crew.ask("POST", "/v1/tokens", draft)).body.token };
    await crew.ask("PUT", "/v1/agents/box-claude", { name: "Claude" }, box);
    await crew.agent("box-other");
    expect((await put([nightly], box, "box-claude")).status).toBe(200);
    const path = "/v1/agents/box-claude/jobs";
    const run = await crew.ask("POST", `${path}/nightly/runs`, { id: "1", status: "ok", startedAt: START }, box);
    expect(run.status).toBe(201);
    expect(ids((await crew.ask("GET", path, undefined, box)).body.items)).toEqual(["nightly"]);
    for (const other of ["ann", "box-other"]) {
      expect((await put([], box, other)).status).toBe(403);
      expect((await crew.ask("GET", `/v1/agents/${other}/jobs`, undefined, box)).status).toBe(403);
    }
    expect(await jobs()).toHaveLength(2);
    // The audit log is for what operators do.
    expect((await crew.ask("GET", "/v1/activity?subject=box-claude&verb=jobs.changed")).body.items).toEqual([]);
  });

  test("G6: jobs of an agent are not written by a superseded instance", async () => {
    const { crew, put } = await startWorld();
    for (const instanceId of ["i1", "i2"])
      await crew.ask("PUT", "/v1/agents/ann", { name: "ann", instanceId }, crew.ann);
    const late = await crew.ask("PUT", "/v1/agents/ann/jobs", { items: [] }, { ...crew.ann, instance: "i1" });
    expect([late.status, late.body.code]).toEqual([409, "superseded"]);
    expect((await put([])).status).toBe(200);
  });

  test("jobs of an agent go with its deletion, and restoring it brings none back", async () => {
    const { crew, operator, put, report, order } = await startWorld();
    await report({ id: "1", status: "ok" });
    await crew.ask("DELETE", "/v1/agents/ann");
    expect((await crew.ask("GET", "/v1/jobs")).body.items).toEqual([]);
    for (const refused of [
      await put([], operator, "ann"),
      await order("run"),
      await report({ id: "2", status: "ok" }, operator),
    ])
      expect([refused.status, refused.body.code]).toEqual([410, "gone"]);
    await crew.ask("POST", "/v1/agents/ann/restore");
    expect((await crew.ask("GET", "/v1/agents/ann/jobs")).body.items).toEqual([]);
    expect((await order("run")).status).toBe(404);
  });

  test("G9: jobs of an agent that contradict themselves are refused with their place", async () => {
    const { put, jobs } = await startWorld();
    const many = Array.from({ length: 201 }, (_, n) => ({ ...nightly, id: `j${n}` }));
    for (const [items, pointer] of [
      [[nightly, hourly, nightly], "/items/2/id"],
      [many, "/items"],
      [[{ ...nightly, id: "../x" }], "/items/0/id"],
      [[{ ...nightly, lastRunAt: "yesterday" }], "/items/0/lastRunAt"],
      [[{ ...nightly, command: "rm" }], "/items/0/command"],
    ] as const) {
      const refused = await put([...items]);
      expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, pointer]);
    }
    expect(await jobs()).toHaveLength(2);
  });
});

describe("runs of a job", () => {
  test("runs of a job are made by their first report, and updated by later ones", async () => {
    const { report, runs, jobs } = await startWorld();
    const first = await report({ id: "r1", status: "running", output: "1" });
    expect([first.status, first.body]).toEqual([
      201,
      {
        ...{ id: "r1", status: "running", output: "1", outputCut: false, encoding: "plain" },
        ...{ startedAt: START, endedAt: null, reportedAt: "2026-03-01T12:00:00.000Z" },
      },
    ]);
    expect((await report({ id: "r1", status: "running", output: "1 2" })).body.output).toBe("1 2");
    const ended = await report({ id: "r1", status: "ok" });
    expect([ended.status, ended.body.output, ended.body.endedAt]).toEqual([200, "1 2", "2026-03-01T12:00:00.000Z"]);
    const endedAt = "2026-03-01T03:05:00.000Z";
    expect((await report({ id: "r1", status: "error", output: "no", endedAt })).body).toMatchObject({
      output: "no",
      endedAt,
    });
    expect((await runs()).items).toHaveLength(1);
    const lastRun = { id: "r1", status: "error", startedAt: START, endedAt };
    expect((await jobs())[1]).toMatchObject({ id: "nightly", lastRunAt: START, lastRun });
  });

  test("runs of a job that ended are not changed by a report of running that comes late", async () => {
    const { crew, report, runs } = await startWorld();
    for (const status of ["ok", "error", "skipped"]) {
      const ended = (await report({ id: status, status, output: "done" })).body;
      crew.clock.advance(1000);
      const late = await report({ id: status, status: "running", output: "half", startedAt: "2026-03-01T04:00:00Z" });
      expect([late.status, late.body]).toEqual([200, ended]);
    }
    expect((await runs()).items.map(({ status }: { status: string }) => status).toSorted()).toEqual([
      ...["error", "ok", "skipped"],
    ]);
  });

  test("runs of a job are listed by their start, the latest first, whatever the order of their reports", async () => {
    const { report, runs, jobs, put } = await startWorld();
    for (const hour of [4, 6, 5])
      await report({ id: `h${hour}`, status: "ok", startedAt: `2026-03-01T0${hour}:00:00Z` });
    const first = await runs("?limit=2");
    expect(ids(first.items)).toEqual(["h6", "h5"]);
    expect(ids((await runs(`?limit=2&page=${first.nextPage}`)).items)).toEqual(["h4"]);
    const lastRunAt = "2026-03-01T06:00:00.000Z";
    expect((await jobs())[1]).toMatchObject({ lastRunAt, lastRun: { id: "h6" } });
    // The agent's own word moves the last start forward, never back.
    await put([{ ...nightly, lastRunAt: "2026-03-01T01:00:00Z" }]);
    expect((await jobs())[0].lastRunAt).toBe(lastRunAt);
    await put([{ ...nightly, lastRunAt: "2026-03-01T09:00:00+02:00" }]);
    expect((await jobs())[0].lastRunAt).toBe("2026-03-01T07:00:00.000Z");
  });

  test("runs of a job keep the first and the last of a long output, and say what was cut", async () => {
    const { report } = await startWorld();
    // Both cuts fall into the middle of a character.
    const output = `begin: ${"ü€𝄞x".repeat(20_000)} end.`;
    const { body } = await report({ id: "r1", status: "ok", output });
    expect(Buffer.byteLength(body.output)).toBeLessThanOrEqual(64 * 1024);
    expect(Buffer.byteLength(body.output)).toBeGreaterThan(64 * 1024 - 100);
    expect(body.output).toMatch(/^begin: ü/);
    expect(body.output).toEndWith(" end.");
    expect(body.output).toContain(`\n[cut: the output had ${Buffer.byteLength(output)} bytes]\n`);
    expect([body.outputCut, body.output.includes("�")]).toEqual([true, false]);
    const whole = await report({ id: "r2", status: "ok", output: "x".repeat(64 * 1024) });
    expect([whole.body.output.length, whole.body.outputCut]).toEqual([64 * 1024, false]);
  });

  test("runs of a job carry an encrypted output as it is, and refuse one that is too long to keep", async () => {
    const { report } = await startWorld();
    const kept = await report({ id: "r1", status: "ok", output: "c2VjcmV0", encoding: "opaque" });
    expect(kept.body).toMatchObject({ output: "c2VjcmV0", encoding: "opaque" });
    const refused = await report({ id: "r2", status: "ok", output: "x".repeat(65_537), encoding: "opaque" });
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, "/output"]);
  });

  test("runs of a job are kept a hundred at a time, those that started last, and go by age", async () => {
    const { crew, report, runs, jobs } = await startWorld();
    const at = (n: number) => new Date(Date.parse(START) + n * 60_000).toISOString();
    for (let n = 1; n <= 102; n++) await report({ id: `r${n}`, status: "ok", startedAt: at(n) });
    await report({ id: "old", status: "ok", startedAt: at(0) });
    const { items } = await runs("?limit=500");
    expect([items.length, items[0].id, items.at(-1).id]).toEqual([100, "r102", "r3"]);
    await crew.pass(31 * DAY);
    await crew.pass(HOUR);
    expect((await runs()).items).toEqual([]);
    expect((await jobs())[1]).toMatchObject({ lastRunAt: at(102), lastRun: null });
  });

  test("runs of a job that is left out come back with the job within a day, and not later", async () => {
    const { crew, put, report, runs } = await startWorld();
    await report({ id: "r1", status: "ok" });
    await put([]);
    expect((await report({ id: "r2", status: "ok" })).status).toBe(404);
    await crew.pass(3 * HOUR);
    await put([nightly]);
    expect(ids((await runs()).items)).toEqual(["r1"]);
    await put([]);
    await crew.pass(DAY + HOUR);
    await crew.pass(HOUR);
    await put([nightly]);
    expect((await runs()).items).toEqual([]);
  });

  test("G9: runs of a job that contradict themselves are refused with their place, and those of no job are not found", async () => {
    const { crew, report, runs } = await startWorld();
    for (const [run, pointer] of [
      [{ id: "1", status: "done" }, "/status"],
      [{ id: "1", status: "running", endedAt: START }, "/endedAt"],
      [{ id: "1", status: "ok", endedAt: "2026-03-01T02:59:59Z" }, "/endedAt"],
      [{ id: "1", status: "ok", startedAt: "03:00" }, "/startedAt"],
      [{ id: "", status: "ok" }, "/id"],
    ] as const) {
      const refused = await report(run);
      expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, pointer]);
    }
    const missing = await report({ id: "1", status: "ok" }, crew.ann, "weekly");
    expect([missing.status, missing.body.detail]).toEqual([
      404,
      "ann has no job weekly. GET /v1/agents/ann/jobs lists its jobs.",
    ]);
    expect((await runs()).items).toEqual([]);
  });
});

describe("an operator's order", () => {
  test("an operator's order to run or delete a job is an urgent control message to its agent, and recorded", async () => {
    const { crew, order } = await startWorld();
    const asked = [await order("run"), await order("delete", "hourly")];
    expect(asked.map(({ status }) => status)).toEqual([201, 201]);
    const messages = await controls(crew);
    expect(messages).toMatchObject([
      { from: "system", to: "ann", urgent: true, source: "relay", payload: { job: { id: "nightly", do: "run" } } },
      { from: "system", to: "ann", urgent: true, source: "relay", payload: { job: { id: "hourly", do: "delete" } } },
    ]);
    const [first] = asked;
    expect(first?.body).toEqual({
      ...{ agentId: "ann", jobId: "nightly", do: "run", messageId: messages[0].id },
      createdAt: "2026-03-01T12:00:00.000Z",
    });
    const { items } = (await crew.ask("GET", "/v1/activity?subject=ann")).body;
    expect(items.slice(0, 2)).toMatchObject([
      { verb: "job.delete", data: { jobId: "hourly", messageId: messages[1].id } },
      { verb: "job.run", data: { jobId: "nightly", messageId: messages[0].id } },
    ]);
  });

  test("G5: an operator's order reaches the agent once for each key", async () => {
    const { crew, order, put } = await startWorld();
    const first = await order("run", "nightly", "k1");
    await put([]);
    const again = await order("run", "nightly", "k1");
    expect([again.status, again.headers.get("idempotent-replayed"), again.body]).toEqual([200, "true", first.body]);
    for (const other of [await order("delete", "nightly", "k1"), await order("run", "hourly", "k1")])
      expect([other.status, other.body.code]).toEqual([422, "idempotency-mismatch"]);
    expect(await controls(crew)).toHaveLength(1);
  });

  test("an operator's order for a job that the agent does not have is not found, and tells nobody", async () => {
    const { crew, order } = await startWorld();
    expect((await order("run", "weekly")).status).toBe(404);
    expect((await order("delete", "weekly")).status).toBe(404);
    expect(await controls(crew)).toEqual([]);
  });

  test("G7: an operator's order, the jobs and their runs are there after a restart", async () => {
    const { crew, order, report, jobs } = await startWorld();
    await report({ id: "r1", status: "running" });
    await order("run");
    await crew.restart();
    expect(await controls(crew)).toHaveLength(1);
    expect((await jobs())[1]).toMatchObject({ lastRun: { id: "r1", status: "running" } });
  });
});
