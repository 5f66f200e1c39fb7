import { describe, expect, test } from "bun:test";
import { startCrew } from "../../support/runs.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const LEASE = { leaseSeconds: 86_400 };

/** A schedule of ada's whose messages bob runs; the clock begins at 2026-03-01 12:00 UTC. */
async function startWorld(fields: object = {}) {
  const crew = await startCrew();
  const { ask, ada, bob } = crew;
  const draft = { cron: "0 * * * *", message: { to: "bob", body: "tick" }, run: { model: "opus" }, ...fields };
  const { id } = (await ask("POST", "/v1/schedules", draft, ada)).body;
  const ticks = async () => (await crew.inbox(bob)).filter(({ body }) => body === "tick");
  return {
    crew,
    id,
    ticks,
    fires: async (query = "") => (await ask("GET", `/v1/schedules/${id}/fires${query}`, undefined, ada)).body.items,
    /** Runs the newest message, with the model that the schedule names. */
    async runNewest(by = bob) {
      const message = (await ticks()).at(-1);
      const { model } = message.meta.schedule.run;
      return crew.run(by, { messageId: message.id, model, ...LEASE });
    },
  };
}

describe("a schedule whose messages become runs", () => {
  test("a schedule whose messages become runs shows the run of each time, and its outcome", async () => {
    const { crew, fires, runNewest } = await startWorld();
    await crew.pass(HOUR);
    expect(await fires()).toMatchObject([{ outcome: "sent", reason: null, run: null }]);
    const first = await runNewest();
    expect(first).toMatchObject({ model: "opus", cause: "schedule" });
    expect((await fires())[0].run).toEqual({ id: first.id, status: "running", outcome: null });
    await crew.finish(crew.bob, first, { outcome: "error", error: "no disk" });
    const second = await runNewest();
    await crew.finish(crew.bob, second);
    expect((await fires())[0].run).toEqual({ id: second.id, status: "ended", outcome: "ok" });
  });

  test("a schedule whose messages become runs skips a time while the run of the last one goes on, also after a restart", async () => {
    const { crew, id, fires, ticks, runNewest } = await startWorld();
    await crew.pass(HOUR);
    const run = await runNewest();
    await crew.pass(HOUR);
    await crew.restart();
    await crew.pass(HOUR);
    const skipped = { outcome: "skipped", reason: "already-running", messageId: null, message: null, run: null };
    expect(await fires()).toMatchObject([
      { n: 3, ...skipped, error: expect.stringContaining(run.id) },
      { n: 2, ...skipped },
      { n: 1, outcome: "sent", run: { id: run.id, status: "running" } },
    ]);
    expect(await ticks()).toHaveLength(1);
    expect((await crew.ask("GET", `/v1/schedules/${id}`)).body).toMatchObject({ enabled: true, failures: 0 });
    await crew.finish(crew.bob, run);
    await crew.pass(HOUR);
    expect(await ticks()).toHaveLength(2);
    expect((await fires())[0]).toMatchObject({ n: 4, outcome: "sent", run: null });
  });

  test("a schedule whose messages become runs sends none by hand either while one goes on, and says which", async () => {
    const { crew, id, ticks, runNewest } = await startWorld();
    const hand = () => crew.ask("POST", `/v1/schedules/${id}/run`, undefined, crew.ada);
    expect((await hand()).status).toBe(201);
    const run = await runNewest();
    const refused = await hand();
    expect(refused).toMatchObject({ status: 409, body: { code: "already-running", runId: run.id } });
    await crew.pass(HOUR);
    expect(await ticks()).toHaveLength(1);
    await crew.finish(crew.bob, run);
    expect((await hand()).status).toBe(201);
    expect(await ticks()).toHaveLength(2);
  });

  test("a schedule whose messages become runs waits for a queued run too, and for each of a group", async () => {
    const { crew, ticks, fires } = await startWorld({ message: { to: "broadcast", body: "tick" } });
    await crew.pass(HOUR);
    const messageId = (await ticks())[0].id;
    const queued = await crew.run(undefined, { agentId: "cid", messageId, ...LEASE });
    expect(queued.status).toBe("queued");
    const own = await crew.run(crew.bob, { messageId, ...LEASE });
    await crew.finish(crew.bob, own);
    expect((await fires())[0].run.id).toBe(own.id);
    await crew.pass(HOUR);
    expect((await fires())[0]).toMatchObject({ outcome: "skipped", reason: "already-running" });
    await crew.finish(crew.cid, await crew.take(crew.cid, queued));
    await crew.pass(HOUR);
    expect((await fires())[0]).toMatchObject({ outcome: "sent" });
  });

  test("a schedule whose messages become runs remembers the one that goes on when a hundred times were skipped since", async () => {
    const { crew, fires, ticks, runNewest } = await startWorld({ cron: "* * * * *" });
    await crew.pass(MINUTE);
    await runNewest();
    for (let minute = 0; minute < 102; minute++) await crew.pass(MINUTE);
    expect(await ticks()).toHaveLength(1);
    const kept = await fires("?limit=500");
    expect([kept.length, kept.at(-1).n]).toEqual([100, 4]);
  });

  test("a schedule of one time that is skipped as its run goes on tells its owner", async () => {
    const { crew, id, runNewest } = await startWorld({ cron: undefined, at: "2026-03-01T13:00:00Z" });
    await crew.ask("POST", `/v1/schedules/${id}/run`, undefined, crew.ada);
    const run = await runNewest();
    await crew.pass(HOUR);
    const [notice] = (await crew.inbox(crew.ada)).filter(({ topic }) => topic === "schedules");
    expect(notice).toMatchObject({ subject: `Schedule ${id} was not sent`, payload: { scheduleId: id } });
    expect(notice.body).toContain(`Run ${run.id} of the message before still runs`);
  });

  test("a schedule tells missed times from those that found a run", async () => {
    const { crew, fires } = await startWorld({ missed: "skip" });
    await crew.restart(2 * HOUR + 20 * MINUTE);
    await crew.pass(0);
    expect(await fires()).toMatchObject([{ outcome: "skipped", reason: "missed", error: null }]);
  });
});
