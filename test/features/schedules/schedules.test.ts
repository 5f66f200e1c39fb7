import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { toTime } from "../../../src/protocol/wire.ts";
import { startServer } from "../../support/server.ts";
import { until } from "../../support/until.ts";
import { type Crew, startCrew, type Worker } from "../../support/work.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A crew, and how to make schedules; the clock begins on a Sunday, 2026-03-01 12:00 UTC. */
async function startWorld() {
  const crew = await startCrew();
  return {
    crew,
    async plan(fields: Record<string, unknown>, worker: Worker = crew.boss) {
      const draft = { message: { to: "ann", body: "tick" }, ...fields };
      const made = await crew.ask("POST", "/v1/schedules", draft, worker);
      if (made.status !== 201) throw new Error(JSON.stringify(made.body));
      return made.body;
    },
    look: async (id: string) => (await crew.ask("GET", `/v1/schedules/${id}`)).body,
    fires: async (id: string) => (await crew.ask("GET", `/v1/schedules/${id}/fires`)).body.items,
    /** When the schedule's messages were made, oldest first. */
    times: async (worker: Worker = crew.ann): Promise<string[]> =>
      (await crew.inbox(worker)).filter((item) => item.body === "tick").map((item) => item.createdAt),
    notices: async (worker: Worker) => (await crew.inbox(worker)).filter((item) => item.topic === "schedules"),
  };
}

/** Lets time pass in steps. Those at whose end nothing is planned yet are passed at once. */
async function passInSteps(crew: Crew, total: number, step: number): Promise<void> {
  const end = crew.clock.now() + total;
  for (let left = total; left > 0; left = end - crew.clock.now()) {
    const { items } = (await crew.ask("GET", "/v1/schedules?limit=500")).body;
    const planned = items.map(({ nextAt }: { nextAt: string | null }) => (nextAt ? Date.parse(nextAt) : end));
    const steps = Math.ceil((Math.min(end, ...planned) - crew.clock.now()) / step);
    await crew.pass(Math.min(Math.max(1, steps) * step, left));
  }
}

const goTo = (crew: Crew, time: string) => crew.pass(Date.parse(time) - crew.clock.now());
/** As `goTo`, where nothing is planned yet: the relay is away meanwhile, as months of its timers take seconds. */
const beginAt = (crew: Crew, time: string) => crew.restart(Date.parse(time) - crew.clock.now());

describe("a schedule", () => {
  test("the next times of an expression are shown before anything is scheduled, and a wrong one is refused by its place", async () => {
    const { crew } = await startWorld();
    const times = (query: Record<string, string>) =>
      crew.ask("GET", `/v1/schedules/times?${new URLSearchParams(query)}`, undefined, crew.boss);
    const workdays = await times({ cron: "0 9 * * 1-5", timezone: "Europe/Berlin", count: "6" });
    const days = ["02", "03", "04", "05", "06", "09"].map((day) => `2026-03-${day}T08:00:00.000Z`);
    expect(workdays.body).toEqual({ items: days });
    expect((await times({ cron: "@hourly" })).body.items).toHaveLength(5);
    for (const [query, pointer] of [
      [{ cron: "nonsense" }, "/cron"],
      [{ cron: "0 0 30 2 *" }, "/cron"],
      [{ cron: "@daily", timezone: "Mars/Olympus" }, "/timezone"],
      [{ cron: "@daily", count: "21" }, "count"],
    ] as const) {
      const { status, body } = await times(query);
      expect([query, status, body.errors?.[0]?.pointer]).toEqual([query, 422, pointer]);
    }
  });

  test("a schedule by cron sends its message at each of its times, in its owner's name", async () => {
    const { crew, plan, times, look, fires } = await startWorld();
    const made = await plan({ name: "Report", cron: "0 9 * * 1-5", timezone: "Europe/Berlin" });
    expect(made).toMatchObject({ agentId: "boss", enabled: true, nextAt: "2026-03-02T08:00:00.000Z", lastFire: null });
    await passInSteps(crew, 8 * DAY, HOUR);
    const days = ["02", "03", "04", "05", "06", "09"].map((day) => `2026-03-${day}T08:00:00.000Z`);
    expect(await times()).toEqual(days);
    const [first] = await crew.inbox(crew.ann);
    expect(first).toMatchObject({
      from: "boss",
      via: null,
      meta: { schedule: { id: made.id, name: "Report", scheduledAt: "2026-03-02T08:00:00.000Z" } },
    });
    expect(first.meta.schedule.missedBySeconds).toBeUndefined();
    expect(await look(made.id)).toMatchObject({
      fires: 6,
      nextAt: "2026-03-10T08:00:00.000Z",
      lastFire: { n: 6, outcome: "sent" },
    });
    expect((await fires(made.id)).map((fire: { n: number }) => fire.n)).toEqual([6, 5, 4, 3, 2, 1]);
  });

  test("a schedule of one time is sent once, and is over then", async () => {
    const { crew, plan, times, look } = await startWorld();
    const at = toTime(crew.clock.now() + HOUR);
    const { id } = await plan({ at });
    await crew.pass(HOUR - 1);
    expect(await times()).toEqual([]);
    await crew.pass(1);
    await crew.pass(DAY);
    expect(await times()).toEqual([at]);
    expect(await look(id)).toMatchObject({ enabled: false, nextAt: null, fires: 1, reason: null });
    await crew.pass(8 * DAY);
    await crew.pass(HOUR);
    expect((await crew.ask("GET", `/v1/schedules/${id}`)).status).toBe(404);
  });

  test("a schedule may be a reminder to oneself, work for a group, and may expire", async () => {
    const { crew, plan, times } = await startWorld();
    const at = toTime(crew.clock.now() + HOUR);
    await plan({ at, message: { to: "ann", body: "tick" } }, crew.ann);
    await plan({ at, message: { to: "tag:crew", body: "work", claimable: true, expiresAfterSeconds: 60 } });
    await crew.pass(HOUR);
    expect(await times()).toEqual([at]);
    const held = await crew.take(crew.ben);
    expect(held.message).toMatchObject({ body: "work", expiresAt: toTime(crew.clock.now() + MINUTE) });
  });

  test("a schedule begins a chain of its own each time, whatever was said before", async () => {
    const { crew, plan } = await startWorld();
    await crew.ask("POST", "/v1/messages", { to: "boss", body: "hello" }, crew.ann);
    await plan({ cron: "@hourly" });
    await passInSteps(crew, 2 * HOUR, HOUR);
    for (const item of (await crew.inbox(crew.ann)).slice(-2))
      expect(item).toMatchObject({ body: "tick", causedBy: null, rootId: item.id, hops: 0 });
  });

  test("a schedule says in each message how its agent is to run it, and what that is may change", async () => {
    const { crew, plan, look } = await startWorld();
    const { id } = await plan({ cron: "0 * * * *", run: { model: "opus" } });
    const runs: unknown[] = [];
    for (const run of [undefined, {}, null]) {
      if (run !== undefined) await crew.ask("PATCH", `/v1/schedules/${id}`, { run }, crew.boss);
      runs.push((await look(id)).run);
      await crew.pass(HOUR);
    }
    expect(runs).toEqual([{ model: "opus" }, {}, null]);
    const told = (await crew.inbox(crew.ann)).map((item) => item.meta.schedule.run);
    expect(told).toEqual([{ model: "opus" }, {}, undefined]);
  });

  test("a schedule is told of by explain, with how late it was", async () => {
    const { crew, plan } = await startWorld();
    const { id } = await plan({ cron: "0 * * * *" });
    await crew.restart(3 * HOUR + 10 * MINUTE);
    await crew.pass(0);
    const [message] = await crew.inbox(crew.ann);
    const { facts } = (await crew.ask("GET", `/v1/messages/${message.id}/explain`)).body;
    const scheduledAt = "2026-03-01T15:00:00.000Z";
    expect(facts).toContainEqual({
      ...{ at: message.createdAt, step: "scheduled", scheduleId: id, n: 1 },
      ...{ scheduledAt, missedBySeconds: 600, missed: 2 },
    });
  });

  test("a schedule is paused, resumed, moved and given another message", async () => {
    const { crew, plan, times, look } = await startWorld();
    const { id } = await plan({ cron: "0 * * * *" });
    const patch = (fields: object) => crew.ask("PATCH", `/v1/schedules/${id}`, fields, crew.boss);
    expect((await patch({ enabled: false })).body).toMatchObject({ enabled: false, nextAt: null });
    await passInSteps(crew, 3 * HOUR, HOUR);
    expect(await times()).toEqual([]);
    // Times that passed by while it was paused do not count as missed.
    expect((await patch({ enabled: true })).body).toMatchObject({ nextAt: "2026-03-01T16:00:00.000Z" });
    expect((await patch({ name: "Hourly" })).body).toMatchObject({
      name: "Hourly",
      nextAt: "2026-03-01T16:00:00.000Z",
    });
    const at = "2026-03-01T15:30:00.000Z";
    expect((await patch({ at })).body).toMatchObject({ cron: null, at, nextAt: at });
    expect((await patch({ message: { to: "ben", body: "tick" } })).body.message.to).toBe("ben");
    await crew.pass(HOUR);
    expect(await times(crew.ben)).toEqual([toTime(crew.clock.now())]);
    expect(await look(id)).toMatchObject({ enabled: false });
    expect(await patch({ enabled: true })).toMatchObject({ status: 422, body: { errors: [{ pointer: "/at" }] } });
    expect((await patch({ cron: "30 * * * *", enabled: true })).body).toMatchObject({
      at: null,
      nextAt: "2026-03-01T16:30:00.000Z",
    });
  });

  test("a schedule that is deleted sends nothing more", async () => {
    const { crew, plan, times } = await startWorld();
    const { id } = await plan({ cron: "* * * * *" });
    expect((await crew.ask("DELETE", `/v1/schedules/${id}`, undefined, crew.boss)).status).toBe(204);
    await passInSteps(crew, 5 * MINUTE, MINUTE);
    expect(await times()).toEqual([]);
    expect((await crew.ask("GET", `/v1/schedules/${id}`)).status).toBe(404);
  });

  test("a schedule remembers its last 100 times", async () => {
    const { crew, plan, times } = await startWorld();
    const { id } = await plan({ cron: "* * * * *" });
    for (let n = 0; n < 105; n++) await crew.pass(MINUTE);
    expect(await times()).toHaveLength(105);
    const { items } = (await crew.ask("GET", `/v1/schedules/${id}/fires?limit=500`)).body;
    expect(items).toHaveLength(100);
    expect(items[0].n).toBe(105);
    const page = (await crew.ask("GET", `/v1/schedules/${id}/fires?limit=10&page=40`)).body;
    expect(page.items.map((fire: { n: number }) => fire.n)[0]).toBe(39);
    expect(page.nextPage).toBe("30");
  });
});

describe("where the clocks are changed", () => {
  test("where the clocks are changed forward, a time in the gap comes at its end, and every other one once", async () => {
    const { crew, plan, times } = await startWorld();
    await beginAt(crew, "2026-03-27T12:00:00Z");
    await plan({ cron: "30 2 * * *", timezone: "Europe/Berlin" });
    await passInSteps(crew, 4 * DAY, 30 * MINUTE);
    expect(await times()).toEqual([
      "2026-03-28T01:30:00.000Z",
      // 02:30 does not exist that night: 03:00 summer time.
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T00:30:00.000Z",
      "2026-03-31T00:30:00.000Z",
    ]);
  });

  test("where the clocks are changed back, a time that comes twice is sent once, also with a restart between the two", async () => {
    const { crew, plan, times } = await startWorld();
    await beginAt(crew, "2026-10-24T12:00:00Z");
    await plan({ cron: "30 2 * * *", timezone: "Europe/Berlin" });
    await goTo(crew, "2026-10-25T00:30:00Z");
    await crew.restart();
    await passInSteps(crew, 2 * DAY, 30 * MINUTE);
    expect(await times()).toEqual(["2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"]);
  });

  test("where the clocks are changed forward, a list comes at each of its members, and once where they fall together", async () => {
    const { crew, plan, times } = await startWorld();
    await beginAt(crew, "2026-03-28T12:00:00Z");
    await plan({ cron: "0 2,14 29 3 *", timezone: "Europe/Berlin" });
    await plan({ cron: "0,30 2 29 3 *", timezone: "Europe/Berlin" }, crew.ben);
    await passInSteps(crew, 2 * DAY, 30 * MINUTE);
    const end = "2026-03-29T01:00:00.000Z";
    expect(await times()).toEqual([end, end, "2026-03-29T12:00:00.000Z"]);
  });

  test("where the clocks are changed back, each member of a list comes once", async () => {
    for (const [cron, expected] of [
      ["0,30 2 * * *", ["00:00", "00:30"]],
      ["0 2,3 * * *", ["00:00", "02:00"]],
      ["30 1,2 * * *", ["23:30", "00:30"]],
      ["0 2-3,*/12 25 * *", ["22:00", "00:00", "02:00", "11:00"]],
    ] as const) {
      const { crew, plan, times } = await startWorld();
      await beginAt(crew, "2026-10-24T20:00:00Z");
      await plan({ cron, timezone: "Europe/Berlin" });
      await passInSteps(crew, 15 * HOUR, 30 * MINUTE);
      expect([cron, (await times()).map((time) => time.slice(11, 16))]).toEqual([cron, [...expected]]);
    }
  });

  test("a time that came twice in the repeated hour is counted once when the relay was away", async () => {
    const { crew, plan, look } = await startWorld();
    await beginAt(crew, "2026-10-24T20:00:00Z");
    const { id } = await plan({ cron: "0,30 2,3 * * *", timezone: "Europe/Berlin" });
    await crew.restart(10 * HOUR);
    await crew.pass(0);
    expect((await look(id)).lastFire).toMatchObject({ scheduledAt: "2026-10-25T02:30:00.000Z", missed: 3 });
  });

  test("a schedule that comes every so many minutes goes on through both changes of the clocks", async () => {
    for (const [from, hours] of [
      ["2026-03-29T00:00:00Z", 3],
      ["2026-10-24T23:00:00Z", 4],
    ] as const) {
      const { crew, plan, times } = await startWorld();
      await beginAt(crew, from);
      await plan({ cron: "*/30 * * * *", timezone: "Europe/Berlin" });
      await passInSteps(crew, hours * HOUR, 30 * MINUTE);
      const made = (await times()).map((time) => Date.parse(time));
      expect(made).toHaveLength(hours * 2);
      for (const [index, time] of made.entries()) expect(time).toBe((made[0] ?? 0) + index * 30 * MINUTE);
    }
  });
});

describe("times that passed by while the relay was away", () => {
  test("times that passed by while the relay was away are made up for by one message that says how late it is, and how many there were", async () => {
    const { crew, plan, look } = await startWorld();
    const { id } = await plan({ cron: "0 * * * *" });
    await crew.restart(5 * HOUR + 20 * MINUTE);
    await crew.pass(0);
    await crew.pass(MINUTE);
    const items = await crew.inbox(crew.ann);
    expect(items).toHaveLength(1);
    const scheduledAt = "2026-03-01T17:00:00.000Z";
    expect(items[0].meta.schedule).toMatchObject({ scheduledAt, missedBySeconds: 1200, missed: 4 });
    expect(await look(id)).toMatchObject({
      nextAt: "2026-03-01T18:00:00.000Z",
      lastFire: { scheduledAt, missedBySeconds: 1200, missed: 4, outcome: "sent", messageId: items[0].id },
    });
  });

  test("times that passed by while the relay was away are skipped where that was asked for", async () => {
    const { crew, plan, times, look } = await startWorld();
    const { id } = await plan({ cron: "0 * * * *", missed: "skip" });
    await crew.restart(5 * HOUR + 20 * MINUTE);
    await crew.pass(0);
    expect(await times()).toEqual([]);
    expect(await look(id)).toMatchObject({
      nextAt: "2026-03-01T18:00:00.000Z",
      lastFire: { outcome: "skipped", messageId: null },
    });
    await crew.pass(40 * MINUTE);
    expect(await times()).toEqual(["2026-03-01T18:00:00.000Z"]);
  });

  test("a schedule of one time that passed by while the relay was away is sent up to a week late; after that its owner is told", async () => {
    const { crew, plan, times, notices, look } = await startWorld();
    await plan({ at: "2026-03-02T00:00:00Z" });
    await crew.restart(6 * DAY);
    await crew.pass(0);
    expect(await times()).toHaveLength(1);
    const { id } = await plan({ at: "2026-03-08T00:00:00Z" });
    const skipped = await plan({ at: "2026-03-08T00:00:00Z", missed: "skip" });
    await crew.restart(9 * DAY);
    await crew.pass(0);
    expect(await times()).toHaveLength(1);
    expect((await notices(crew.boss)).map((notice) => notice.payload.scheduleId).toSorted()).toEqual(
      [id, skipped.id].toSorted(),
    );
    expect(await look(id)).toMatchObject({ enabled: false, lastFire: { outcome: "skipped" } });
  });

  test("times that passed by while the relay was away are counted up to 100, however long it was", async () => {
    const { crew, plan, look } = await startWorld();
    const { id } = await plan({ cron: "* * * * *" });
    await crew.restart(20 * DAY);
    await crew.pass(0);
    expect((await look(id)).lastFire).toMatchObject({ missed: 100, outcome: "sent" });
    expect(await crew.inbox(crew.ann)).toHaveLength(1);
  });
});

describe("G7: nothing is sent twice", () => {
  test("G7: nothing is sent twice over restarts between any two steps", async () => {
    const { crew, plan, times } = await startWorld();
    await plan({ cron: "0 * * * *" });
    await crew.restart();
    await crew.pass(HOUR);
    await crew.restart();
    await crew.pass(0);
    await crew.restart(10_000);
    await crew.pass(HOUR);
    await crew.restart();
    await crew.pass(0);
    expect((await times()).map((time) => time.slice(0, 13))).toEqual(["2026-03-01T13", "2026-03-01T14"]);
  });

  test("G7: nothing is sent twice when the clock is set back over a time that was sent", async () => {
    const { crew, plan, times } = await startWorld();
    await plan({ cron: "0 * * * *" });
    await crew.pass(HOUR);
    crew.clock.jump(-30 * MINUTE);
    await passInSteps(crew, HOUR, 10 * MINUTE);
    expect(await times()).toHaveLength(1);
    await passInSteps(crew, HOUR, 10 * MINUTE);
    expect(await times()).toHaveLength(2);
  });

  test.each(["running", "restarted"])(
    "G7: nothing that was planned by a clock a year ahead waits for that year, by a relay that was %s",
    async (how) => {
      const { crew, plan, look, times } = await startWorld();
      const { id } = await plan({ cron: "0 * * * *" });
      const at = toTime(crew.clock.now() + HOUR);
      await plan({ at, message: { to: "ben", body: "tick" } });
      crew.clock.jump(-365 * DAY);
      if (how === "restarted") await crew.restart();
      await crew.pass(0);
      expect(await look(id)).toMatchObject({ nextAt: "2025-03-01T13:00:00.000Z", fires: 0 });
      for (let hour = 0; hour < 3; hour++) await crew.pass(HOUR);
      expect((await times()).map((time) => time.slice(0, 13))).toEqual(
        ["13", "14", "15"].map((h) => `2025-03-01T${h}`),
      );
      // A time that is named stands.
      expect(await times(crew.ben)).toEqual([]);
    },
  );

  test("G7: nothing is sent twice by the real program, killed before the time and started after it", async () => {
    const first = await startServer();
    const headers = { authorization: `Bearer ${first.operatorToken}`, "content-type": "application/json" };
    const at = new Date(Date.now() + 500).toISOString();
    const body = JSON.stringify({ at, message: { to: "user", body: "tick" } });
    const made = await fetch(`${first.url}/v1/schedules`, { method: "POST", headers, body });
    expect(made.status).toBe(201);
    await first.kill();
    await until(() => Date.now() > Date.parse(at));
    const second = await startServer({ dataDir: first.dataDir, token: first.operatorToken });
    const inbox = async (url: string) =>
      ((await (await fetch(`${url}/v1/agents/user/inbox?after=0`, { headers })).json()) as { items: unknown[] }).items;
    await until(async () => (await inbox(second.url)).length === 1);
    await second.kill();
    const third = await startServer({ dataDir: first.dataDir, token: first.operatorToken });
    expect(await inbox(third.url)).toHaveLength(1);
  });
});

describe("a schedule that can do nothing any more", () => {
  test("G8: a schedule whose target is deleted is disabled, its owner and the operator are told, and restoring the target resumes nothing", async () => {
    const { crew, plan, look, notices, times } = await startWorld();
    const { id } = await plan({ cron: "0 * * * *" });
    await crew.ask("DELETE", "/v1/agents/ann");
    expect(await look(id)).toMatchObject({ enabled: false, nextAt: null, reason: expect.stringContaining("ann") });
    expect(await notices(crew.boss)).toMatchObject([{ from: "system", payload: { scheduleId: id } }]);
    expect((await crew.ask("GET", "/v1/messages?to=user&topic=schedules")).body.items).toHaveLength(1);
    const activity = (await crew.ask("GET", `/v1/activity?subject=${id}&verb=schedule.disabled`)).body.items;
    expect(activity).toMatchObject([{ actor: "system" }]);
    await crew.ask("POST", "/v1/agents/ann/restore");
    const { token } = (await crew.ask("POST", "/v1/tokens", { role: "agent", agentId: "ann" })).body;
    const again = { id: "ann", token };
    await passInSteps(crew, 3 * HOUR, HOUR);
    expect(await times(again)).toEqual([]);
    const resumed = await crew.ask("PATCH", `/v1/schedules/${id}`, { enabled: true }, crew.boss);
    expect(resumed.body).toMatchObject({ enabled: true, reason: null });
  });

  test("a schedule whose owner is deleted is gone, and the operator is told; restoring the owner revives nothing", async () => {
    const { crew, plan, times } = await startWorld();
    const { id } = await plan({ cron: "0 * * * *" });
    await crew.ask("DELETE", "/v1/agents/boss");
    await crew.ask("POST", "/v1/agents/boss/restore");
    const boss = (await crew.ask("POST", "/v1/tokens", { role: "agent", agentId: "boss" })).body;
    await passInSteps(crew, 3 * HOUR, HOUR);
    expect(await times()).toEqual([]);
    expect((await crew.ask("GET", `/v1/schedules/${id}`)).status).toBe(404);
    expect((await crew.ask("GET", "/v1/schedules", undefined, boss)).body.items).toEqual([]);
    expect((await crew.ask("GET", "/v1/messages?to=user&topic=schedules")).body.items).toHaveLength(1);
  });

  test("a schedule tells its owner of each time that was refused, until it is disabled", async () => {
    const { crew, plan, notices } = await startWorld();
    const headers = { "content-type": "text/plain" };
    const fileId = (await crew.ask("POST", "/v1/files?name=a.txt", "x", { ...crew.boss, headers })).body.id;
    const message = { to: "ann", body: "tick", payload: { files: [{ fileId }] } };
    const { id } = await plan({ cron: "0 * * * *", message });
    const file = new Database(join(crew.config.dataDir, "signalbox.db"));
    file.run("delete from files where id = ?", [fileId]);
    file.close();
    await passInSteps(crew, 4 * HOUR, HOUR);
    expect((await notices(crew.boss)).map(({ subject }) => subject)).toEqual([
      ...[`Schedule ${id} was not sent`, `Schedule ${id} was not sent`, `Schedule ${id} was disabled`],
    ]);
  });

  test("a schedule is stopped after three times in a row that failed, each tried a few times, and holds up no other", async () => {
    const { crew, plan, look, fires, notices, times } = await startWorld();
    const bad = await plan({ cron: "0 * * * *", message: { to: "ann", body: "boom" } });
    await plan({ cron: "0 * * * *" });
    const file = new Database(join(crew.config.dataDir, "signalbox.db"));
    file.run(`create trigger refuse before insert on messages when new.body = 'boom'
      begin select raise(abort, 'the disk is in a bad mood'); end`);
    for (let hour = 0; hour < 4; hour++) {
      await goTo(crew, toTime(Date.parse("2026-03-01T13:00:00Z") + hour * HOUR));
      await passInSteps(crew, MINUTE, 1000);
    }
    expect(await look(bad.id)).toMatchObject({ enabled: false, failures: 3, fires: 3 });
    expect(await fires(bad.id)).toMatchObject(Array(3).fill({ outcome: "failed", messageId: null }));
    expect(await notices(crew.boss)).toMatchObject([{ payload: { scheduleId: bad.id } }]);
    expect(await times()).toHaveLength(4);
    file.run("drop trigger refuse");
    file.close();
    await crew.ask("PATCH", `/v1/schedules/${bad.id}`, { enabled: true }, crew.boss);
    await crew.pass(HOUR);
    expect(await look(bad.id)).toMatchObject({ enabled: true, failures: 0, fires: 4, lastFire: { outcome: "sent" } });
  });
});

describe("a schedule that is run now", () => {
  test("a schedule that is run now sends its message at once beside its times, once for its key, paused or not", async () => {
    const { crew, plan, times, look } = await startWorld();
    const { id, nextAt } = await plan({ name: "Report", cron: "0 * * * *" });
    const run = (key: string, worker: Worker = crew.boss) =>
      crew.ask("POST", `/v1/schedules/${id}/run`, undefined, { ...worker, headers: { "idempotency-key": key } });
    const now = toTime(crew.clock.now());
    const first = await run("a");
    expect(first).toMatchObject({
      status: 201,
      body: {
        n: 1,
        scheduledAt: now,
        outcome: "sent",
        by: "boss",
        message: { to: "ann", state: "waiting", matched: 1 },
      },
    });
    const again = await run("a");
    expect([again.status, again.body.messageId]).toEqual([200, first.body.messageId]);
    expect((await crew.inbox(crew.ann))[0]).toMatchObject({
      ...{ id: first.body.messageId, from: "boss", source: "schedule" },
      meta: { schedule: { id, name: "Report", scheduledAt: now } },
    });
    expect(await look(id)).toMatchObject({ fires: 1, nextAt, lastFire: { by: "boss" } });
    expect((await run("b", crew.ann)).status).toBe(403);
    await crew.ask("PATCH", `/v1/schedules/${id}`, { enabled: false }, crew.boss);
    expect((await crew.ask("POST", `/v1/schedules/${id}/run`)).body).toMatchObject({ n: 2, by: "user" });
    expect(await look(id)).toMatchObject({ enabled: false, nextAt: null, fires: 2 });
    expect(await times()).toHaveLength(2);
    const activity = (await crew.ask("GET", `/v1/activity?subject=${id}&verb=schedule.run`)).body.items;
    expect(activity.map((one: { data: { n: number } }) => one.data.n)).toEqual([2, 1]);
  });

  test("a schedule that is run now that cannot be sent says why, and records no time", async () => {
    const { crew, plan, look } = await startWorld();
    await crew.agent("gone");
    const { id } = await plan({ cron: "0 * * * *", message: { to: "gone", body: "tick" } });
    await crew.ask("DELETE", "/v1/agents/gone");
    const ran = await crew.ask("POST", `/v1/schedules/${id}/run`, undefined, crew.boss);
    expect([ran.status, ran.body.code]).toEqual([422, "unknown-target"]);
    expect(await look(id)).toMatchObject({ fires: 0, lastFire: null });
    expect((await crew.ask("POST", "/v1/schedules/sch_none/run")).status).toBe(404);
    const deliverAt = toTime(crew.clock.now() + HOUR);
    const draft = { to: "ann", body: "later", deliverAt };
    const { scheduleId } = (await crew.ask("POST", "/v1/messages", draft, crew.boss)).body;
    expect((await crew.ask("POST", `/v1/schedules/${scheduleId}/run`, undefined, crew.boss)).status).toBe(409);
    await crew.pass(HOUR);
    const fires = (await crew.ask("GET", `/v1/schedules/${scheduleId}/fires`, undefined, crew.boss)).body.items;
    expect(fires).toMatchObject([{ n: 1, outcome: "sent", message: { to: "ann", state: "waiting" } }]);
  });

  test("a schedule that is run now by an agent is that agent's turn: two that run schedules for each other are stopped", async () => {
    const { crew, plan } = await startWorld();
    const mine = await plan({ cron: "0 0 1 1 *" }, crew.boss);
    const theirs = await plan({ cron: "0 0 1 1 *", message: { to: "boss", body: "tock" } }, crew.ann);
    const run = async ({ id }: { id: string }, worker: Worker) =>
      (await crew.ask("POST", `/v1/schedules/${id}/run`, undefined, worker)).status;
    const answers: number[] = [];
    for (let n = 0; n < 60; n++) {
      answers.push(await run(mine, crew.boss));
      await crew.inbox(crew.ann);
      answers.push(await run(theirs, crew.ann));
      await crew.inbox(crew.boss);
    }
    expect(answers).toContain(429);
    expect(await run(mine, { ...crew.boss, token: crew.relay.operatorToken })).toBe(201);
  });

  test("a schedule that is run now and one that came by itself show what became of their message", async () => {
    const { crew, plan, fires } = await startWorld();
    const talk = await plan({ cron: "0 * * * *" });
    const work = await plan({ cron: "0 * * * *", message: { to: "tag:crew", body: "work", claimable: true } });
    const group = await plan({ cron: "0 * * * *", message: { to: "tag:crew", body: "hear" } });
    await crew.pass(HOUR);
    const state = async ({ id }: { id: string }) => (await fires(id))[0].message;
    expect(await state(talk)).toMatchObject({ to: "ann", state: "waiting", acknowledged: 0, matched: 1 });
    expect(await state(work)).toMatchObject({ to: "tag:crew", state: "open", holder: null });
    const held = await crew.take(crew.ben);
    expect(await state(work)).toMatchObject({ state: "claimed", holder: "ben" });
    // Naming it as a cause is no reading of it.
    const causedBy = (await state(talk)).id;
    await crew.ask("POST", "/v1/messages", { to: "boss", body: "so", causedBy }, crew.ann);
    expect((await state(talk)).state).toBe("waiting");
    const items = await crew.inbox(crew.ann);
    expect((await state(talk)).state).toBe("offered");
    await crew.ask("POST", "/v1/agents/ann/inbox/ack", { upTo: items.at(-1).id }, crew.ann);
    expect(await state(talk)).toMatchObject({ state: "acknowledged", acknowledged: 1 });
    expect(await state(group)).toMatchObject({ state: "offered", acknowledged: 1, matched: 2 });
    await crew.end("fail", crew.ben, held, { error: "no disk", final: true });
    expect(await state(work)).toMatchObject({ state: "dead", error: expect.stringContaining("no disk") });
  });
});

describe("what cannot be planned", () => {
  test("what cannot be planned is refused with its place", async () => {
    const { crew } = await startWorld();
    const message = { to: "ann", body: "x" };
    const at = "2027-01-01T00:00:00Z";
    for (const [draft, pointer] of [
      [{ message }, "/cron"],
      [{ message, at, cron: "* * * * *" }, "/cron"],
      [{ message, at: "2026-01-01T00:00:00Z" }, "/at"],
      [{ message, cron: "* * * * * *" }, "/cron"],
      [{ message, cron: "@every 5s" }, "/cron"],
      [{ message, cron: "@reboot" }, "/cron"],
      [{ message, cron: "2027-01-01T00:00:00Z" }, "/cron"],
      [{ message, cron: "61 * * * *" }, "/cron"],
      [{ message, cron: "0 0 31 2 *" }, "/cron"],
      [{ message, cron: "0 0 * * *", timezone: "Mars/Base" }, "/timezone"],
      [{ message: { to: "nobody", body: "x" }, at }, "/message/to"],
      [{ message: { to: "@nobody", body: "x" }, at }, "/message/to"],
      [{ message: { to: "ann", body: "x", claimable: true, kind: "chat" }, at }, "/message/claimable"],
      [{ message: { to: "ann", body: "x", deliverAt: at }, at }, "/message/deliverAt"],
      [{ message: { to: "ann", body: "x", replyTo: 1 }, at }, "/message/replyTo"],
    ] as const) {
      const made = await crew.ask("POST", "/v1/schedules", draft, crew.boss);
      expect([draft, made.status, made.body.errors?.[0]?.pointer]).toEqual([draft, 422, pointer]);
    }
    expect((await crew.ask("GET", "/v1/schedules")).body.items).toEqual([]);
  });

  test("more than a hundred schedules of one agent cannot be planned", async () => {
    const { crew, plan } = await startWorld();
    for (let i = 0; i < 100; i++) await plan({ cron: "0 0 * * *" });
    const draft = { cron: "0 0 * * *", message: { to: "ann", body: "x" } };
    expect((await crew.ask("POST", "/v1/schedules", draft, crew.boss)).status).toBe(409);
    expect((await crew.ask("POST", "/v1/schedules", draft, crew.ann)).status).toBe(201);
    // Schedules that are over do not count.
    await plan({ at: toTime(crew.clock.now() + HOUR) }, crew.ben);
    await crew.pass(HOUR);
    for (let i = 0; i < 100; i++) await plan({ cron: "0 0 * * *" }, crew.ben);
  });

  test("G10: a schedule in another's name cannot be planned; an operator's is shown as such", async () => {
    const { crew, plan } = await startWorld();
    const { id } = await plan({ cron: "0 * * * *" });
    const draft = { agentId: "boss", cron: "0 * * * *", message: { to: "ann", body: "tick" } };
    expect((await crew.ask("POST", "/v1/schedules", draft, crew.ann)).status).toBe(403);
    for (const [method, path] of [
      ["GET", `/v1/schedules/${id}`],
      ["PATCH", `/v1/schedules/${id}`],
      ["DELETE", `/v1/schedules/${id}`],
      ["GET", `/v1/schedules/${id}/fires`],
    ] as const)
      expect((await crew.ask(method, path, method === "PATCH" ? {} : undefined, crew.ann)).status).toBe(403);
    await crew.ask("DELETE", `/v1/schedules/${id}`);
    await crew.ask("POST", "/v1/schedules", draft);
    await crew.pass(HOUR);
    expect((await crew.inbox(crew.ann))[0]).toMatchObject({ from: "boss", via: expect.stringMatching(/^tok_/) });
  });
});

test("G5: a schedule made again with its key is the same one", async () => {
  const { crew, times } = await startWorld();
  const make = (body: string) =>
    crew.ask(
      "POST",
      "/v1/schedules",
      { cron: "0 * * * *", message: { to: "ann", body } },
      {
        ...{ token: crew.boss.token, headers: { "idempotency-key": '"k"' } },
      },
    );
  const first = await make("tick");
  const again = await make("tick");
  expect([first.status, again.status, again.body.id]).toEqual([201, 200, first.body.id]);
  expect(await make("tock")).toMatchObject({ status: 422, body: { code: "idempotency-mismatch" } });
  await crew.pass(HOUR);
  expect(await times()).toHaveLength(1);
});

test("G5: a run by hand is known by its key for as long as its message is kept, also when a hundred later times have passed", async () => {
  const { crew, plan } = await startWorld();
  const { id } = await plan({ cron: "* * * * *" });
  const how = { ...crew.boss, headers: { "idempotency-key": "K" } };
  const run = () => crew.ask("POST", `/v1/schedules/${id}/run`, undefined, how);
  const first = await run();
  expect((await run()).body).toEqual(first.body);
  for (let minute = 0; minute < 105; minute++) await crew.pass(MINUTE);
  const again = await run();
  expect([again.status, again.headers.get("idempotent-replayed")]).toEqual([200, "true"]);
  expect(again.body).toEqual(first.body);
  expect((await crew.ask("GET", `/v1/schedules/${id}/fires?limit=500`)).body.items).toHaveLength(100);
  await crew.ask("DELETE", `/v1/schedules/${id}`, undefined, crew.boss);
  expect((await run()).body).toEqual(first.body);
});

describe("a message with a deliverAt", () => {
  test("a message with a deliverAt is listed among the schedules, shown, and cancelled", async () => {
    const { crew, plan } = await startWorld();
    const deliverAt = toTime(crew.clock.now() + HOUR);
    const send = (body: string) => crew.ask("POST", "/v1/messages", { to: "ann", body, deliverAt }, crew.boss);
    const first = (await send("first")).body.scheduleId;
    const made = await plan({ cron: "0 0 * * *" });
    crew.clock.advance(1);
    const second = (await send("second")).body.scheduleId;
    const { items } = (await crew.ask("GET", "/v1/schedules", undefined, crew.boss)).body;
    expect(items.map((item: { id: string }) => item.id).toSorted()).toEqual([first, made.id, second].toSorted());
    expect(items[0].id).toBe(second);
    const page = (await crew.ask("GET", `/v1/schedules?limit=1&page=${second}`, undefined, crew.boss)).body;
    expect(page.items).toHaveLength(1);
    expect((await crew.ask("GET", "/v1/schedules", undefined, crew.ann)).body.items).toEqual([]);
    const shown = (await crew.ask("GET", `/v1/schedules/${first}`, undefined, crew.boss)).body;
    expect(shown).toMatchObject({
      origin: "message",
      at: deliverAt,
      nextAt: deliverAt,
      enabled: true,
      message: { to: "ann", body: "first" },
    });
    expect((await crew.ask("PATCH", `/v1/schedules/${first}`, { enabled: false }, crew.boss)).status).toBe(409);
    expect((await crew.ask("DELETE", `/v1/schedules/${first}`, undefined, crew.ann)).status).toBe(403);
    expect((await crew.ask("DELETE", `/v1/schedules/${first}`, undefined, crew.boss)).status).toBe(204);
    await crew.pass(HOUR);
    const inbox = await crew.inbox(crew.ann);
    expect(inbox.map((item) => item.body)).toEqual(["second"]);
    const sent = (await crew.ask("GET", `/v1/schedules/${second}`, undefined, crew.boss)).body;
    expect(sent).toMatchObject({ enabled: false, nextAt: null, lastFire: { outcome: "sent", messageId: inbox[0].id } });
    expect((await crew.ask("DELETE", `/v1/schedules/${second}`, undefined, crew.boss)).status).toBe(409);
    const { facts } = (await crew.ask("GET", `/v1/messages/${inbox[0].id}/explain`)).body;
    expect(facts).toContainEqual(
      expect.objectContaining({ step: "scheduled", scheduleId: second, scheduledAt: deliverAt }),
    );
  });

  test("G10: a message with a deliverAt of an agent that is deleted is never sent, also when it is restored", async () => {
    const { crew } = await startWorld();
    const deliverAt = toTime(crew.clock.now() + HOUR);
    await crew.ask("POST", "/v1/messages", { to: "ann", body: "x", deliverAt }, crew.boss);
    await crew.ask("DELETE", "/v1/agents/boss");
    await crew.ask("POST", "/v1/agents/boss/restore");
    const boss = (await crew.ask("POST", "/v1/tokens", { role: "agent", agentId: "boss" })).body;
    expect((await crew.ask("GET", "/v1/schedules", undefined, boss)).body.items).toEqual([]);
    await crew.pass(HOUR);
    expect(await crew.inbox(crew.ann)).toEqual([]);
  });

  test("a message with a deliverAt that could not be sent says why, and is forgotten after a while", async () => {
    const { crew } = await startWorld();
    const deliverAt = toTime(crew.clock.now() + HOUR);
    const sent = await crew.ask("POST", "/v1/messages", { to: "ann", body: "x", deliverAt }, crew.boss);
    const { scheduleId: id } = sent.body;
    await crew.ask("DELETE", "/v1/agents/ann");
    await crew.pass(HOUR);
    const shown = await crew.ask("GET", `/v1/schedules/${id}`, undefined, crew.boss);
    expect(shown.body).toMatchObject({ enabled: false, nextAt: null, reason: expect.stringContaining("ann") });
    await crew.pass(8 * DAY);
    await crew.pass(HOUR);
    expect((await crew.ask("GET", `/v1/schedules/${id}`, undefined, crew.boss)).status).toBe(404);
  });
});
