import { describe, expect, test } from "bun:test";
import { toTime } from "../../../src/protocol/wire.ts";
import { recordStatements } from "../../support/statements.ts";
import { type Crew, type Held, startCrew } from "../../support/work.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const statusOf = async ({ ask }: Crew, id: string) => (await ask("GET", `/v1/agents/${id}`)).body.status;

/** The relay was away for an hour, one way or another; its timer has looked once since. */
const ABSENCES: [string, (crew: Crew) => Promise<void>][] = [
  [
    "the clock jumped forward",
    async (crew) => {
      crew.clock.jump(HOUR);
      await crew.relay.settle();
    },
  ],
  [
    "the relay was restarted",
    async (crew) => {
      await crew.restart(HOUR);
      await crew.pass(0);
    },
  ],
];

describe.each(ABSENCES)("when %s", (_, absence) => {
  test("leases get 30 s before they end after an absence or a jump, and who says so in time keeps its work", async () => {
    const crew = await startCrew();
    const [kept, lost] = [await crew.open(), await crew.open()];
    const [first] = await crew.claim(crew.ann, { leaseSeconds: 600 });
    await crew.claim(crew.ben, { leaseSeconds: 600 });
    await absence(crew);
    expect((await crew.look(lost)).state).toBe("claimed");
    await crew.pass(29_999);
    if (!first) throw new Error("ann holds nothing");
    expect((await crew.end("renew", crew.ann, first)).status).toBe(200);
    await crew.pass(1);
    expect((await crew.look(kept)).claim.agentId).toBe("ann");
    expect((await crew.look(lost)).state).toBe("open");
  });

  test("a lease that lasts longer than the grace after an absence or a jump is left alone", async () => {
    const crew = await startCrew();
    const id = await crew.open();
    const held = await crew.take(crew.ann, { leaseSeconds: (2 * HOUR) / 1000 });
    await absence(crew);
    expect((await crew.look(id)).claim.expiresAt).toBe(held.claim.expiresAt);
  });

  test("agents get one whole TTL to be heard of after an absence or a jump", async () => {
    const crew = await startCrew({ agentTtlSeconds: 90 });
    await absence(crew);
    await crew.pass(90_000);
    expect(await statusOf(crew, "ann")).toBe("online");
    await crew.pass(2);
    expect(await statusOf(crew, "ann")).toBe("offline");
  });

  test("everything else that was due happens at once after an absence or a jump", async () => {
    const crew = await startCrew();
    const soon = toTime(crew.clock.now() + MINUTE);
    const work = await crew.open({ expiresAt: soon });
    await crew.ask("POST", "/v1/messages", { to: "ann", body: "later", deliverAt: soon }, crew.boss);
    await crew.ask("POST", "/v1/messages", { to: "ann", body: "gone", expiresAt: soon }, crew.boss);
    const delayed = await crew.open();
    await crew.end("release", crew.ben, await crew.take(crew.ben), { delaySeconds: 60 });
    await absence(crew);
    expect((await crew.inbox(crew.ann)).map((item) => item.body)).toContain("later");
    expect((await crew.inbox(crew.ann)).map((item) => item.body)).not.toContain("gone");
    expect((await crew.look(work)).state).toBe("expired");
    expect([(await crew.look(delayed)).state, await crew.inbox(crew.boss)]).toMatchObject(["open", [{}, {}]]);
  });
});

describe("after a jump of the clock", () => {
  test("no verb sees the new time before the leases have their grace", async () => {
    const crew = await startCrew();
    const id = await crew.open();
    const held = await crew.take(crew.ann, { leaseSeconds: 600 });
    crew.clock.jump(HOUR);
    expect(await crew.ask("POST", `/v1/messages/${id}/claim`, {}, crew.ben)).toMatchObject({
      status: 409,
      body: { code: "already-claimed", expiresAt: toTime(crew.clock.now() + 30_000) },
    });
    expect((await crew.end("complete", crew.ann, held)).status).toBe(200);
  });

  test("the grace is given although the first write after it was lost", async () => {
    const recorder = recordStatements();
    const crew = await startCrew();
    const id = await crew.open();
    await crew.take(crew.ann, { leaseSeconds: 600 });
    const { page_count: used } = recorder.writer().prepare("pragma page_count").get() as { page_count: number };
    crew.clock.jump(HOUR);
    recorder.writer().run(`pragma max_page_count = ${used}`);
    const large = { to: "ann", body: "x".repeat(200_000) };
    expect((await crew.ask("POST", "/v1/messages", large, crew.boss)).status).toBe(503);
    recorder.writer().run("pragma max_page_count = 1073741823");
    await crew.relay.settle();
    expect((await crew.look(id)).state).toBe("claimed");
  });

  test("after a jump of the clock that is a correction of a second nothing is put off", async () => {
    const crew = await startCrew();
    const id = await crew.open();
    await crew.take(crew.ann, { leaseSeconds: 10 });
    await crew.pass(9000);
    crew.clock.jump(1000);
    await crew.relay.settle();
    expect((await crew.look(id)).state).toBe("open");
  });
});

describe("when the clock is set back a day", () => {
  test("when the clock is set back a day, nothing ends early, and sending, claiming and finishing go on", async () => {
    const crew = await startCrew();
    const id = await crew.open();
    const held = await crew.take(crew.ann, { leaseSeconds: 600 });
    const before = await crew.ask("POST", "/v1/messages", { to: "ann", body: "before" }, crew.boss);
    crew.clock.jump(-DAY);
    await crew.relay.settle();
    expect((await crew.look(id)).state).toBe("claimed");
    const after = await crew.ask("POST", "/v1/messages", { to: "ann", body: "after" }, crew.boss);
    expect(after.body.id).toBeGreaterThan(before.body.id);
    expect((await crew.inbox(crew.ann)).map((item) => item.body)).toEqual(["work", "before", "after"]);
    expect((await crew.end("complete", crew.ann, held)).status).toBe(200);
    expect(await statusOf(crew, "ann")).toBe("online");
  });

  test("when the clock is set back a day, no lease lasts longer from now than was asked for", async () => {
    const crew = await startCrew();
    const [short, long] = [await crew.open(), await crew.open()];
    await crew.take(crew.ann, { leaseSeconds: 600 });
    await crew.take(crew.ann, { leaseSeconds: 3600 });
    crew.clock.jump(-DAY);
    await crew.relay.settle();
    await crew.pass(599_999);
    expect((await crew.look(short)).state).toBe("claimed");
    await crew.pass(1);
    expect([(await crew.look(short)).state, (await crew.look(long)).state]).toEqual(["open", "claimed"]);
    await crew.pass(3_000_000);
    expect((await crew.look(long)).state).toBe("open");
  });

  test.each(["running", "restarted"])(
    "when the clock is set back a day, no work waits longer than its holder asked, by a relay that was %s",
    async (how) => {
      const crew = await startCrew();
      const ids = [
        await crew.open(),
        await crew.open(),
        await crew.open({ expiresAt: toTime(crew.clock.now() + HOUR) }),
      ];
      const [failed, released, late] = (await crew.claim(crew.ann, { max: 3 })) as [Held, Held, Held];
      await crew.end("fail", crew.ann, failed, { error: "busy", retryAfterSeconds: 10 });
      await crew.end("release", crew.ann, released, { delaySeconds: 3600 });
      await crew.end("release", crew.ann, late, { delaySeconds: 2 * 3600 });
      crew.clock.jump(-DAY);
      if (how === "restarted") await crew.restart();
      await crew.relay.settle();
      const states = () => Promise.all(ids.map(async (id) => (await crew.look(id)).state));
      await crew.pass(9999);
      expect(await states()).toEqual(["delayed", "delayed", "delayed"]);
      await crew.pass(1);
      expect(await states()).toEqual(["open", "delayed", "delayed"]);
      await crew.pass(HOUR);
      expect(await states()).toEqual(["open", "open", "delayed"]);
      // Its own time to expire is one by the clock.
      await crew.pass(DAY);
      expect(await states()).toEqual(["open", "open", "expired"]);
    },
  );

  test("when the clock is set back a day, who falls silent is offline after one TTL all the same, also over a restart", async () => {
    const crew = await startCrew({ agentTtlSeconds: 90 });
    crew.clock.jump(-DAY);
    await crew.relay.settle();
    await crew.pass(45_000);
    await crew.restart();
    await crew.pass(90_002);
    expect(await statusOf(crew, "ann")).toBe("offline");
  });
});
