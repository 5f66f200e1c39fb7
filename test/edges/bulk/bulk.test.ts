import { expect, test } from "bun:test";
import { dieOf } from "../../support/dead-letters.ts";
import { listen } from "../../support/listen.ts";
import type { Answered } from "../../support/relay.ts";
import { openStream } from "../../support/stream.ts";
import { type Crew, startCrew } from "../../support/work.ts";

const [SECOND, HOUR, DAY] = [1000, 3_600_000, 86_400_000];

type Bulk = Answered["body"];

interface Bulked extends Crew {
  /** Dead letters, as many as named. */
  die(count: number, fields?: object): Promise<number[]>;
  begin(
    action: string,
    filter: object,
    how?: { token?: string; headers?: Record<string, string>; more?: object },
  ): Promise<Answered>;
  shown(id: string): Promise<Bulk>;
  /** Works on until it has ended, or a condition holds. */
  until(id: string, isMet?: (bulk: Bulk) => boolean): Promise<Bulk>;
  inState(state: string): Promise<number[]>;
}

async function startBulk(more: Parameters<typeof startCrew>[0] = {}): Promise<Bulked> {
  const crew = await startCrew({ durability: "normal", ...more });
  const { ask, ann } = crew;
  const bulked: Bulked = {
    ...crew,
    die: (count, fields = {}) => dieOf(bulked, ann, count, fields),
    begin: (action, filter, { more, ...how } = {}) => bulked.ask("POST", "/v1/bulk", { action, filter, ...more }, how),
    shown: async (id) => (await bulked.ask("GET", `/v1/bulk/${id}`)).body,
    async until(id, isMet = () => false) {
      for (let steps = 0; steps < 1000; steps++) {
        const now = await bulked.shown(id);
        if (now.endedAt !== null || isMet(now)) return now;
        await bulked.pass(5);
      }
      throw new Error(`${id} does not end`);
    },
    async inState(state) {
      const { items } = (await ask("GET", `/v1/messages?state=${state}&limit=500`)).body;
      return items.map(({ id }: { id: number }) => id).reverse();
    },
  };
  return bulked;
}

const refused = ({ status, body }: Answered) => [status, body.errors?.[0]?.pointer ?? body.code];

test("a bulk action requeues 5,000 dead letters once each, over restarts, while others requeue and fail single ones", async () => {
  const bulked = await startBulk();
  const { ask, ann, die, begin, until } = bulked;
  const ids = await die(5000);
  const key = { headers: { "idempotency-key": '"once"' } };
  const begun = await begin("requeue", {}, key);
  expect(begun.status).toBe(201);
  expect(begun.body).toMatchObject({ state: "running", matched: 5000, done: 0, failed: 0 });
  const { id } = begun.body;
  expect((await begin("requeue", {}, key)).body.id).toBe(id);
  const other = (await begin("requeue", {})).body;
  expect([other.id === id, other.matched]).toEqual([false, 5000]);
  const [last = 0] = ids.slice(-1);
  await ask("POST", `/v1/messages/${last}/requeue`);
  await until(id, ({ done }) => done > 300);
  for (const more of [600, 1000]) {
    await bulked.restart();
    expect((await until(id, ({ done }) => done > more)).state).toBe("running");
  }
  // One that was open again dies once more: the action has passed it.
  const first = await bulked.take(ann);
  await bulked.end("fail", ann, first, { error: "no use", final: true });
  const ended = await until(id);
  const also = await until(other.id);
  expect(ended).toMatchObject({ state: "done", matched: 5000, failed: 0, failures: [], skipped: 5000 - ended.done });
  expect([also.state, also.failed, ended.done + also.done]).toEqual(["done", 0, 4999]);
  expect((await ask("GET", "/v1/dead-letters")).body.items).toMatchObject([{ id: first.message.id }]);
  const { items } = (await ask("GET", `/v1/activity?subject=${id}`)).body;
  expect(items.map(({ verb }: { verb: string }) => verb)).toEqual(["bulk.ended", "bulk.begun"]);
});

test("a bulk action touches no more than its filter named at its start, and stops between steps", async () => {
  const bulked = await startBulk();
  const { ask, die, begin, until, inState, boss, pass, take, end, ann, shown } = bulked;
  const [one = 0, ...others] = await die(3, { topic: "night" });
  const day = await die(2, { topic: "day" });
  const { id } = (await begin("requeue", { topic: "night", after: one })).body;
  const late = await ask("POST", "/v1/messages", { to: "ann", topic: "night", body: "late", claimable: true }, boss);
  await end("fail", ann, await take(ann), { error: "no use", final: true });
  expect(await until(id)).toMatchObject({ matched: 2, done: 2 });
  expect(await inState("dead")).toEqual([one, ...day, late.body.id]);
  expect(await inState("open")).toEqual(others);
  const same = (await begin("requeue", { sameAs: late.body.id })).body;
  expect(same.filter).toEqual({ target: "ann", error: "no use" });
  expect((await until(same.id)).done).toBe(1);
  const watching = await openStream(`${listen(bulked)}/v1/messages/stream`, { token: bulked.relay.operatorToken });
  await watching.first("hello");
  await die(200);
  const stopped = (await begin("requeue", {})).body;
  await pass(5);
  const answer = await ask("POST", `/v1/bulk/${stopped.id}/stop`);
  expect(answer.body).toMatchObject({ state: "stopped", reason: "by user" });
  const { done } = answer.body;
  await pass(SECOND);
  expect(await shown(stopped.id)).toMatchObject({ state: "stopped", done });
  await watching.until(({ events }) => events.some(({ data }) => data.state === "stopped"));
  const told = watching.of("bulk").map(({ data }) => data);
  expect([told[0], told.at(-1)]).toMatchObject([
    { id: stopped.id, state: "running", done: 0 },
    { state: "stopped", done },
  ]);
  expect((await ask("POST", `/v1/bulk/${stopped.id}/stop`)).status).toBe(200);
  expect(refused(await ask("POST", `/v1/bulk/${id}/stop`))).toEqual([409, "not-open"]);
  expect((await ask("GET", "/v1/bulk?state=stopped")).body.items).toHaveLength(1);
});

test("a bulk action cancels open work, archives threads, and goes by the rights of its caller", async () => {
  const { ask, open, begin, until, take, ann, inState, pass } = await startBulk();
  const [first, second] = [await open(), await open({ topic: "keep" })];
  await open({ urgent: true });
  const held = await take(ann);
  const { body } = await begin("cancel", { before: second });
  expect(await until(body.id)).toMatchObject({ matched: 1, done: 1 });
  expect(await inState("open")).toEqual([second]);
  const all = (await begin("cancel", { states: ["claimed"] })).body;
  expect(await until(all.id)).toMatchObject({ matched: 1, done: 1 });
  expect(await inState("cancelled")).toEqual([first, held.message.id]);
  const member = (await ask("POST", "/v1/tokens", { role: "member" })).body;
  const archive = (await begin("archive", { participant: "boss" }, member)).body;
  await ask("POST", "/v1/messages", { to: "ann", body: "again", replyTo: held.message.id }, ann);
  expect(await until(archive.id)).toMatchObject({ state: "done", done: archive.matched - 1, skipped: 1 });
  const ending = (await begin("archive", {}, member)).body;
  expect(ending.state).toBe("running");
  await ask("DELETE", `/v1/tokens/${member.id}`);
  await pass(5);
  expect(await until(ending.id)).toMatchObject({
    state: "stopped",
    reason: expect.stringContaining("token"),
    done: 0,
  });
});

test("a bulk action cancels no work that was held or dead at its start and is open since", async () => {
  const { ask, open, die, begin, until, take, ann, end, inState, clock } = await startBulk();
  const [dead = 0] = await die(1);
  const held = await open();
  const given = await take(ann);
  await open();
  const { body } = await begin("cancel", {});
  clock.advance(1);
  await end("release", ann, given);
  await ask("POST", `/v1/messages/${dead}/requeue`);
  expect(await until(body.id)).toMatchObject({ matched: 1, done: 1 });
  expect(await inState("open")).toEqual([dead, held]);
  const { body: next } = await begin("cancel", {});
  expect(await until(next.id)).toMatchObject({ matched: 2, done: 2 });
});

test("a bulk action answers approvals under the limits of many at once, and keeps the first reasons", async () => {
  const { ask, ann, begin, until } = await startBulk();
  const options = [
    { id: "yes", label: "Allow", decision: "allow" },
    { id: "no", label: "Deny", decision: "deny" },
  ];
  const wanted = (line: string, more = {}) => ({
    ...{ kind: "permission", subject: { type: "command", line, cwd: "/work" }, title: line, options, default: "no" },
    ...{ expiresInSeconds: 3600, ...more },
  });
  const asked = async (line: string, more = {}) => (await ask("POST", "/v1/approvals", wanted(line, more), ann)).body;
  const [plain, careful] = [await asked("make"), await asked("rm -r /", { oneTap: false })];
  for (let n = 0; n < 12; n++) await asked(`publish ${n}`, { oneTap: false });
  expect(refused(await begin("answer", {}, { more: { decision: "allow" } }))).toEqual([422, "/filter"]);
  const { body } = await begin("answer", { agent: "ann" }, { more: { decision: "allow" } });
  const ended = await until(body.id);
  expect(ended).toMatchObject({ matched: 14, done: 1, failed: 13, state: "done" });
  expect(ended.failures).toHaveLength(10);
  expect(ended.failures[0]).toMatchObject({ id: careful.id, code: "conflict" });
  const [shown] = (await ask("GET", "/v1/approvals?state=answered")).body.items;
  expect(shown).toMatchObject({ id: plain.id, answer: { option: "yes", via: "bulk" } });
  const same = await begin("answer", { hash: careful.hash }, { more: { decision: "deny" } });
  expect(await until(same.body.id)).toMatchObject({ matched: 1, done: 1 });
});

test("a bulk action is refused to whom a single call is, and for filters that name nothing", async () => {
  const { ask, ann, begin } = await startBulk();
  const viewer = (await ask("POST", "/v1/tokens", { role: "viewer" })).body;
  const member = (await ask("POST", "/v1/tokens", { role: "member" })).body;
  for (const action of ["requeue", "cancel", "dismiss", "archive"])
    for (const who of [viewer, ann]) expect((await begin(action, {}, who)).status).toBe(403);
  for (const action of ["requeue", "cancel", "dismiss"]) expect((await begin(action, {}, member)).status).toBe(403);
  expect((await ask("GET", "/v1/bulk", undefined, ann)).status).toBe(403);
  const bad: [string, object, string][] = [
    ["requeue", { colour: "red" }, "/filter/colour"],
    ["requeue", { ids: [] }, "/filter/ids"],
    ["requeue", { sameAs: 99 }, "/filter/sameAs"],
    ["requeue", { kind: "poem" }, "/filter/kind"],
    ["cancel", { states: ["done"] }, "/filter/states/0"],
    ["archive", { target: "x" }, "/filter/target"],
    ["dismiss", { state: "silent" }, "/filter/state"],
    ["dismiss", { ids: ["apr_1"] }, "/filter/ids/0"],
    ["explode", {}, "/action"],
  ];
  for (const [action, filter, pointer] of bad) expect(refused(await begin(action, filter))).toEqual([422, pointer]);
  expect(refused(await ask("POST", "/v1/bulk", { action: "requeue" }))).toEqual([422, "/filter"]);
  expect(refused(await begin("requeue", {}, { more: { decision: "allow" } }))).toEqual([422, "/decision"]);
  expect(refused(await begin("answer", {}))).toEqual([422, "/decision"]);
});

test("retention that runs beside a bulk action takes its threads from it, and neither does anything twice", async () => {
  const bulked = await startBulk({ retentionDays: 1 });
  const { ask, ann, begin, until, clock } = bulked;
  const say = async (count: number) => {
    const messages = Array.from({ length: count }, (_, n) => ({ to: "ann", body: `${n}` }));
    const { items } = (await ask("POST", "/v1/messages/batch", { messages })).body;
    return items.map(({ id }: { id: number }) => id) as number[];
  };
  const old = await say(900);
  await bulked.die(20);
  await bulked.pass(2 * HOUR);
  const young = await say(60);
  await bulked.pass(DAY - HOUR - 120_000);
  const archive = (await begin("archive", {})).body;
  const cancel = (await begin("cancel", { states: ["dead"] })).body;
  expect([archive.matched, cancel.matched]).toEqual([980, 20]);
  // Both work at the same time: the run of retention that finds these messages old enough, and the steps.
  for (let n = 0; n < 200; n++) clock.advance(1000);
  const archived = await until(archive.id);
  const cancelled = await until(cancel.id);
  expect(archived).toMatchObject({ state: "done", failed: 0, skipped: 980 - archived.done });
  expect(cancelled).toMatchObject({ state: "done", failed: 0, done: 20 });
  for (let n = 0; n < 200 && (await ask("GET", "/v1/health")).body.retention.firstId <= (old.at(-1) ?? 0); n++)
    await bulked.pass(60_000);
  const left = (await ask("GET", "/v1/threads?archived=true&limit=200")).body.items.map(({ id }: { id: number }) => id);
  expect(left).toEqual(expect.arrayContaining(young));
  expect((await ask("GET", `/v1/messages/${old[0]}`)).status).toBe(404);
  expect((await ask("GET", "/v1/threads?limit=200")).body.items).toEqual([]);
  expect((await bulked.inbox(ann)).map(({ id }) => id)).toEqual(young);
});
