import { describe, expect, test } from "bun:test";
import { toTime } from "../../../src/protocol/wire.ts";
import { startCrew, type Worker } from "../../support/work.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** A crew, and how to plan messages with a `deliverAt` for ann, a minute ahead. */
async function startPlanning() {
  const crew = await startCrew();
  return {
    crew,
    later: (ms: number) => toTime(crew.clock.now() + ms),
    async plan(by: { token: string }, fields: Record<string, unknown> = {}): Promise<string> {
      const draft = { to: "ann", body: "planned", deliverAt: toTime(crew.clock.now() + MINUTE), ...fields };
      const sent = await crew.ask("POST", "/v1/messages", draft, by);
      if (sent.status !== 202) throw new Error(JSON.stringify(sent.body));
      return sent.body.scheduleId;
    },
    makeToken: async (fields: Record<string, unknown>) => (await crew.ask("POST", "/v1/tokens", fields)).body,
    look: async (id: string) => (await crew.ask("GET", `/v1/schedules/${id}`)).body,
    resume: (id: string, by: { token: string }, fields: Record<string, unknown> = {}) =>
      crew.ask("PATCH", `/v1/schedules/${id}`, { enabled: true, ...fields }, by),
    came: async (worker: Worker = crew.ann): Promise<string[]> =>
      (await crew.inbox(worker)).filter(({ from }) => from !== "system").map(({ body }) => body),
    notices: async (worker: Worker) => (await crew.inbox(worker)).filter((item) => item.topic === "schedules"),
  };
}

describe("the end of a token", () => {
  test("G10: a message with a deliverAt is paused and listed when its token is revoked, as a schedule is, and goes on with another token", async () => {
    const { crew, later, plan, makeToken, look, resume, came, notices } = await startPlanning();
    const first = await makeToken({ role: "agent", agentId: "boss" });
    const id = await plan(first);
    const message = { to: "ann", body: "by schedule" };
    const schedule = (await crew.ask("POST", "/v1/schedules", { at: later(MINUTE), message }, first)).body.id;
    const own = await plan(crew.boss, { body: "by another token" });
    const { paused } = (await crew.ask("DELETE", `/v1/tokens/${first.id}`)).body;
    expect(paused).toEqual([schedule, id].map((one) => ({ kind: "schedule", id: one, agentId: "boss" })));
    expect(await look(id)).toMatchObject({ enabled: false, nextAt: null, reason: expect.stringContaining(first.id) });
    expect((await notices(crew.boss)).map(({ payload }) => payload.scheduleId).toSorted()).toEqual(
      [id, schedule].toSorted(),
    );
    await crew.pass(2 * MINUTE);
    expect(await came()).toEqual(["by another token"]);
    expect((await look(own)).lastFire.outcome).toBe("sent");
    // Its time has passed, as with a schedule: its owner says another.
    for (const one of [id, schedule]) {
      expect(await resume(one, crew.boss)).toMatchObject({ status: 422, body: { errors: [{ pointer: "/at" }] } });
      expect((await resume(one, crew.ann)).status).toBe(403);
      const at = later(MINUTE);
      const resumed = await resume(one, crew.boss, { at });
      expect(resumed).toMatchObject({ status: 200, body: { enabled: true, nextAt: at, reason: null } });
    }
    await crew.pass(MINUTE);
    expect((await came()).toSorted()).toEqual(["by another token", "by schedule", "planned"]);
    expect((await resume(id, crew.boss, { at: later(MINUTE) })).status).toBe(409);
  });

  test("G10: a message with a deliverAt that was resumed belongs to the token that resumed it", async () => {
    const { crew, plan, makeToken, resume, came } = await startPlanning();
    const [first, second] = [
      await makeToken({ role: "agent", agentId: "boss" }),
      await makeToken({ role: "agent", agentId: "boss" }),
    ];
    const id = await plan(first);
    await crew.ask("DELETE", `/v1/tokens/${first.id}`);
    expect((await resume(id, second)).status).toBe(200);
    expect((await crew.ask("DELETE", `/v1/tokens/${second.id}`)).body.paused).toMatchObject([{ id }]);
    await crew.pass(MINUTE);
    expect(await came()).toEqual([]);
  });

  test("G10: nothing goes out of a token that has expired, of an operator's that is revoked, or of a person who is deleted", async () => {
    const { crew, plan, makeToken, came, later, look } = await startPlanning();
    await crew.ask("PUT", "/v1/people/ada", { name: "Ada", role: "operator" });
    const tokens = {
      expired: await makeToken({ role: "agent", agentId: "boss", expiresAt: later(MINUTE / 2) }),
      operator: await makeToken({ role: "operator" }),
      ada: await makeToken({ role: "operator", personId: "ada" }),
    };
    const ids: string[] = [];
    for (const [body, token] of Object.entries(tokens)) ids.push(await plan(token, { body }));
    ids.push(await plan(tokens.operator, { from: "boss", body: "in another's name" }));
    await crew.ask("DELETE", `/v1/tokens/${tokens.operator.id}`);
    await crew.ask("DELETE", "/v1/people/ada");
    await crew.pass(MINUTE / 2);
    await crew.pass(MINUTE);
    expect(await came()).toEqual([]);
    for (const id of ids) expect(await look(id)).toMatchObject({ enabled: false, reason: expect.any(String) });
  });

  test("a token that planned many messages tells their owner once", async () => {
    const { crew, plan, makeToken, notices } = await startPlanning();
    const token = await makeToken({ role: "agent", agentId: "boss" });
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push(await plan(token));
    await crew.ask("DELETE", `/v1/tokens/${token.id}`);
    const told = await notices(crew.boss);
    expect(told).toMatchObject([{ subject: expect.stringContaining("and 4 more were paused") }]);
    expect([told[0].payload.scheduleId, ...told[0].payload.also].toSorted()).toEqual(ids.toSorted());
  });
});

test("a message with a deliverAt waits under a hold over its sender or its target, and is sent once after it", async () => {
  const { crew, plan, came } = await startPlanning();
  for (const scope of ["all", { tag: "crew" }]) {
    const hold = (await crew.ask("POST", "/v1/holds", { scope, reason: "deploying" })).body;
    const before = (await came()).length;
    await plan(crew.boss);
    await crew.pass(10 * MINUTE);
    expect(await came()).toHaveLength(before);
    await crew.restart();
    await crew.pass(MINUTE);
    expect(await came()).toHaveLength(before);
    await crew.ask("DELETE", `/v1/holds/${hold.id}`);
    await crew.pass(MINUTE);
    await crew.pass(MINUTE);
    expect(await came()).toHaveLength(before + 1);
  }
});

test("a message with a deliverAt stops at once when its target is deleted, and goes on when that agent is restored", async () => {
  const { crew, plan, look, notices, resume, came } = await startPlanning();
  const id = await plan(crew.boss, { deliverAt: toTime(crew.clock.now() + 2 * DAY) });
  await crew.ask("DELETE", "/v1/agents/ann");
  expect(await look(id)).toMatchObject({ enabled: false, nextAt: null, reason: expect.stringContaining("ann") });
  expect(await notices(crew.boss)).toMatchObject([
    { subject: `Schedule ${id} was disabled`, payload: { scheduleId: id, agentId: "boss" } },
  ]);
  expect(await resume(id, crew.boss)).toMatchObject({ status: 422, body: { errors: [{ pointer: "/message/to" }] } });
  await crew.ask("POST", "/v1/agents/ann/restore");
  expect((await resume(id, crew.boss)).status).toBe(200);
  await crew.pass(2 * DAY);
  const ann = (await crew.ask("POST", "/v1/tokens", { role: "agent", agentId: "ann" })).body;
  expect(await came({ id: "ann", token: ann.token })).toEqual(["planned"]);
});
