import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { openStream } from "../../support/stream.ts";
import { until } from "../../support/until.ts";
import { type Crew, startCrew } from "../../support/work.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const isThere = async ({ ask }: Crew, id: number) => (await ask("GET", `/v1/messages/${id}`)).status === 200;

/** Sends as `boss`; answers the ids. */
async function say({ ask, boss }: Crew, to: string, times: number): Promise<number[]> {
  const messages = Array.from({ length: times }, (_, i) => ({ to, body: `${i}` }));
  const { body } = await ask("POST", "/v1/messages/batch", { messages }, boss);
  return body.items.map((item: { id: number }) => item.id);
}

/** Time passes until what was sent so far is too old, and it has been deleted. */
async function outlive(crew: Crew): Promise<void> {
  const [last] = await say(crew, "user", 1);
  crew.clock.advance(DAY + HOUR);
  await until(async () => !(await isThere(crew, last as number)), "retention has run");
}

describe("retention", () => {
  test("retention deletes what is older than its time, and nothing else", async () => {
    const crew = await startCrew({ retentionDays: 1, fileUnusedHours: 7 });
    const state = async () => (await crew.ask("GET", "/v1/health")).body.retention;
    expect(await state()).toEqual({ days: 1, runEventHours: 24, fileUnusedHours: 7, firstId: 1, lastRun: null });
    const old = await say(crew, "ann", 3);
    await crew.pass(2 * HOUR);
    await until(async () => (await state()).lastRun !== null, "the first run has ended");
    expect((await state()).lastRun).toMatchObject({ deleted: 0, refused: false });
    const young = await say(crew, "ann", 3);
    crew.clock.advance(DAY - HOUR);
    await until(async () => !(await isThere(crew, old[2] as number)), "retention has run");
    for (const id of old) expect(await isThere(crew, id)).toBe(false);
    for (const id of young) expect(await isThere(crew, id)).toBe(true);
    const list = await crew.ask("GET", "/v1/messages?limit=500");
    expect(list.body.items.map((item: { id: number }) => item.id)).toEqual(young.toReversed());
    await until(async () => (await state()).lastRun.deleted === 3, "the run has ended");
    const ran = await state();
    expect(ran.firstId).toBe(young[0]);
    await crew.restart();
    expect(await state()).toEqual(ran);
  });

  test("retention keeps work that is open, delayed, held or dead; finished work goes", async () => {
    const crew = await startCrew({ retentionDays: 1 });
    const work = { open: 0, delayed: 0, claimed: 0, dead: 0, done: 0, cancelled: 0 };
    for (const name of Object.keys(work) as (keyof typeof work)[])
      work[name] = await crew.open({ to: "ann", topic: name });
    const take = (name: string) => crew.take(crew.ann, { topics: [name], leaseSeconds: 86_400 });
    await crew.end("release", crew.ann, await take("delayed"), { delaySeconds: 30 * 86_400 });
    await crew.end("fail", crew.ann, await take("dead"), { error: "no", final: true });
    await crew.end("complete", crew.ann, await take("done"));
    await crew.ask("POST", `/v1/messages/${work.cancelled}/cancel`, undefined, crew.boss);
    await crew.pass(2 * HOUR);
    await take("claimed");
    await outlive(crew);
    const left: string[] = [];
    for (const [name, id] of Object.entries(work)) if (await isThere(crew, id)) left.push(name);
    // Held work is open again by now, as its lease has run out.
    expect(left).toEqual(["open", "delayed", "claimed", "dead"]);
    expect((await crew.inbox(crew.ann)).map((item) => item.topic)).toEqual(left);
    expect((await crew.take(crew.ann, { topics: ["open"] })).message.id).toBe(work.open);
  });

  test("retention also takes work that was kept, once it has been finished for as long", async () => {
    const crew = await startCrew({ retentionDays: 1 });
    const [finished, waiting] = [await crew.open(), await crew.open()];
    await outlive(crew);
    expect((await crew.end("complete", crew.ann, await crew.take(crew.ann))).body.message.id).toBe(finished);
    await crew.pass(DAY - HOUR);
    expect(await isThere(crew, finished)).toBe(true);
    await crew.pass(2 * HOUR);
    await until(async () => !(await isThere(crew, finished)), "finished work is deleted");
    expect(await isThere(crew, waiting)).toBe(true);
  });

  test("G5: retention keeps a key for as long as what it made", async () => {
    const crew = await startCrew({ retentionDays: 1 });
    const talk = { to: "ann", body: "x", idempotencyKey: "talk" };
    const work = { to: "ann", body: "x", idempotencyKey: "work", claimable: true };
    const ids: number[] = [];
    for (const draft of [talk, work]) ids.push((await crew.ask("POST", "/v1/messages", draft, crew.boss)).body.id);
    await outlive(crew);
    expect(await crew.ask("POST", "/v1/messages", work, crew.boss)).toMatchObject({
      status: 200,
      body: { id: ids[1] },
    });
    const again = await crew.ask("POST", "/v1/messages", talk, crew.boss);
    expect(again.status).toBe(201);
    expect(again.body.id).toBeGreaterThan(ids[1] as number);
  });

  test("G2: retention gives no id out again, although everything was deleted and the relay restarted", async () => {
    const crew = await startCrew({ retentionDays: 1 });
    await say(crew, "ann", 5);
    await outlive(crew);
    const { body } = await crew.ask("GET", "/v1/agents/ann/inbox", undefined, crew.ann);
    expect(body).toMatchObject({ items: [], head: 6 });
    await crew.restart();
    expect(await say(crew, "ann", 1)).toEqual([7]);
  });
});

describe("G3: who loses something to retention", () => {
  test("G3: who loses something to retention is told what, once it reads from there; nobody else is", async () => {
    const crew = await startCrew({ retentionDays: 1 });
    const { ask, ann, ben, boss } = crew;
    const joiner = await crew.agent("joiner");
    const [read] = await say(crew, "ann", 2);
    await ask("POST", "/v1/agents/ann/inbox/ack", { upTo: read }, ann);
    await ask("POST", "/v1/messages", { to: "tag:crew", body: "from ann to her own group" }, ann);
    const [toBoth] = await say(crew, "tag:crew", 1);
    await ask("POST", "/v1/agents/ben/inbox/ack", { upTo: toBoth }, ben);
    // Both came too late for what is lost: one was not there, the other did not belong.
    const late = await crew.agent("late", { tags: ["crew"] });
    await ask("PATCH", "/v1/agents/joiner", { tags: ["crew"] }, joiner);
    await outlive(crew);
    const [fresh] = await say(crew, "tag:crew", 1);

    const inbox = async (agent: { id: string; token: string }, query = "") =>
      (await ask("GET", `/v1/agents/${agent.id}/inbox${query}`, undefined, agent)).body;
    const floor = (toBoth as number) + 1;
    expect(await inbox(ann)).toMatchObject({ items: [{ id: fresh }], reset: { firstId: floor + 1, lost: 2 } });
    for (const other of [ben, late, joiner, boss]) expect((await inbox(other)).reset).toBeUndefined();
    // It is said for as long as the place that is read from lies before what was lost.
    expect((await inbox(ann)).reset).toBeDefined();
    expect((await inbox(ann, `?after=${floor}`)).reset).toBeUndefined();
    await ask("POST", "/v1/agents/ann/inbox/ack", { upTo: fresh }, ann);
    expect((await inbox(ann)).reset).toBeUndefined();
    expect((await inbox(ann, "?after=0")).reset).toBeUndefined();
  });

  test("G3: who loses something to retention hears of it on a stream, before what is still there, and once", async () => {
    const crew = await startCrew({ retentionDays: 1 });
    await say(crew, "ann", 4);
    await outlive(crew);
    const [fresh] = await say(crew, "ann", 1);
    const url = listen(crew);
    const open = async (who: "ann" | "ben", headers = {}) => {
      const stream = await openStream(`${url}/v1/agents/${who}/inbox/stream`, { token: crew[who].token, headers });
      await stream.until((seen) => seen.of("hello").length > 0);
      return stream;
    };
    const stream = await open("ann");
    await stream.first("message");
    expect(stream.events.map((event) => event.type)).toEqual(["hello", "reset", "message"]);
    expect(stream.of("reset")[0]?.data).toEqual({ firstId: fresh as number, lost: 4 });
    expect(stream.of("hello")[0]?.data.firstId).toBe(fresh);
    const again = await open("ann", { "last-event-id": String(fresh) });
    const other = await open("ben");
    const [last] = await say(crew, "broadcast", 1);
    for (const one of [again, other]) {
      await one.until((seen) => seen.ids().includes(last as number));
      expect(one.of("reset")).toEqual([]);
    }
  });

  test("G3: who loses something to retention is counted over several runs, and not for what had expired before", async () => {
    const crew = await startCrew({ retentionDays: 1 });
    const expiresAt = new Date(crew.clock.now() + HOUR).toISOString();
    await crew.ask("POST", "/v1/messages", { to: "ann", body: "gone", expiresAt }, crew.boss);
    await say(crew, "ann", 2);
    await outlive(crew);
    await say(crew, "ann", 3);
    await outlive(crew);
    const { body } = await crew.ask("GET", "/v1/agents/ann/inbox", undefined, crew.ann);
    expect(body.reset.lost).toBe(5);
  });
});
