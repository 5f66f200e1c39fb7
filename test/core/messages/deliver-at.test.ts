import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import pino from "pino";
import { toTime } from "../../../src/protocol/wire.ts";
import { type Crew, startCrew, type Worker } from "../../support/work.ts";

const later = (crew: { clock: { now(): number } }, ms: number) => toTime(crew.clock.now() + ms);

async function upload(crew: Crew, { token }: Worker): Promise<string> {
  const headers = { "content-type": "text/plain" };
  return (await crew.ask("POST", "/v1/files?name=a.txt", `of ${token}`, { token, headers })).body.id;
}

/** A logger, and what was written to it. */
function recorder() {
  const written: string[] = [];
  const logger = pino({ level: "debug" }, { write: (line: string) => written.push(line) });
  return {
    logger,
    lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown> & { level: number }),
  };
}

describe("a message with a deliverAt", () => {
  test("a message with a deliverAt is answered 202 with its schedule, and stays out of the log until its time", async () => {
    const crew = await startCrew();
    const deliverAt = later(crew, 60_000);
    const planned = await crew.ask("POST", "/v1/messages", { to: "ann", body: "later", deliverAt }, crew.boss);
    expect(planned).toMatchObject({ status: 202, body: { scheduleId: expect.stringMatching(/^sch_/), deliverAt } });
    const now = await crew.ask("POST", "/v1/messages", { to: "ann", body: "now" }, crew.boss);
    await crew.pass(59_999);
    expect((await crew.inbox(crew.ann)).map((item) => item.body)).toEqual(["now"]);
    await crew.pass(1);
    const items = await crew.inbox(crew.ann);
    expect(items.map((item) => item.body)).toEqual(["now", "later"]);
    // Its id is a place in time: that of its delivery.
    expect(items[1]).toMatchObject({ id: now.body.id + 1, from: "boss", createdAt: deliverAt });
  });

  test("G7: a message with a deliverAt comes over a restart, once, also when its time passed while the relay was away", async () => {
    const crew = await startCrew();
    for (const [body, ms] of [
      ["first", 60_000],
      ["second", 600_000],
    ] as const)
      await crew.ask("POST", "/v1/messages", { to: "ann", body, deliverAt: later(crew, ms) }, crew.boss);
    await crew.restart(300_000);
    await crew.pass(0);
    expect((await crew.inbox(crew.ann)).map((item) => item.body)).toEqual(["first"]);
    await crew.pass(300_000);
    await crew.restart();
    await crew.pass(300_000);
    expect((await crew.inbox(crew.ann)).map((item) => item.body)).toEqual(["first", "second"]);
  });

  test("G5: a message with a deliverAt is planned once for its key: again says the same schedule, before and after its time", async () => {
    const crew = await startCrew();
    const draft = { to: "ann", body: "later", deliverAt: later(crew, 60_000), idempotencyKey: "k" };
    const first = await crew.ask("POST", "/v1/messages", draft, crew.boss);
    const again = await crew.ask("POST", "/v1/messages", draft, crew.boss);
    await crew.pass(60_000);
    const after = await crew.ask("POST", "/v1/messages", draft, crew.boss);
    for (const repeated of [again, after]) {
      expect(repeated.body).toEqual(first.body);
      expect(repeated.headers.get("idempotent-replayed")).toBe("true");
    }
    expect(first.headers.get("idempotent-replayed")).toBeNull();
    expect(await crew.ask("POST", "/v1/messages", { ...draft, body: "other" }, crew.boss)).toMatchObject({
      status: 422,
      body: { code: "idempotency-mismatch" },
    });
    expect(await crew.inbox(crew.ann)).toHaveLength(1);
    // A key that made a message at once does not make a schedule later, nor the other way round.
    const { deliverAt: _, ...atOnce } = draft;
    expect((await crew.ask("POST", "/v1/messages", atOnce, crew.boss)).status).toBe(422);
  });

  test("G5: a message with a deliverAt says in a batch that it was planned before", async () => {
    const crew = await startCrew();
    const messages = [
      { to: "ann", body: "later", deliverAt: later(crew, 60_000), idempotencyKey: "a" },
      { to: "ann", body: "now", idempotencyKey: "b" },
    ];
    const first = await crew.ask("POST", "/v1/messages/batch", { messages }, crew.boss);
    expect(first.body.items.map((item: { replayed: boolean }) => item.replayed)).toEqual([false, false]);
    const again = await crew.ask("POST", "/v1/messages/batch", { messages }, crew.boss);
    expect(again.body.items.map((item: { replayed: boolean }) => item.replayed)).toEqual([true, true]);
    expect(again.body.items[0].scheduleId).toBe(first.body.items[0].scheduleId);
  });

  test("G8: a message with a deliverAt whose target is gone when its time comes is told to its sender instead", async () => {
    const crew = await startCrew();
    const deliverAt = later(crew, 60_000);
    const { scheduleId } = (await crew.ask("POST", "/v1/messages", { to: "ann", body: "later", deliverAt }, crew.boss))
      .body;
    await crew.ask("POST", "/v1/messages", { to: "ben", body: "later", deliverAt }, crew.boss);
    await crew.ask("DELETE", "/v1/agents/ann");
    await crew.pass(60_000);
    const told = await crew.inbox(crew.boss);
    expect(told).toMatchObject([{ from: "system", kind: "system", payload: { scheduleId } }]);
    expect(told[0].body).toContain("ann");
    expect(await crew.inbox(crew.ben)).toHaveLength(1);
  });

  test("a message with a deliverAt with a file that its sender may not use is refused when it is planned, with its place", async () => {
    const crew = await startCrew();
    const theirs = await upload(crew, crew.ann);
    const payload = { files: [{ fileId: theirs }] };
    const pointer = "/payload/files/0/fileId";
    const deliverAt = later(crew, 60_000);
    const planned = await crew.ask("POST", "/v1/messages", { to: "ben", body: "x", deliverAt, payload }, crew.boss);
    expect(planned).toMatchObject({ status: 422, body: { errors: [{ pointer }] } });
    const message = { to: "ben", body: "x", payload };
    for (const when of [{ cron: "0 * * * *" }, { at: deliverAt }])
      expect(await crew.ask("POST", "/v1/schedules", { ...when, message }, crew.boss)).toMatchObject({
        status: 422,
        body: { errors: [{ pointer: `/message${pointer}` }] },
      });
    const own = await crew.ask("POST", "/v1/messages", { to: "ben", body: "mine", deliverAt, payload }, crew.ann);
    expect(own.status).toBe(202);
    await crew.pass(60_000);
    expect((await crew.inbox(crew.ben)).map((item) => item.body)).toEqual(["mine"]);
  });

  test("a message with a deliverAt keeps the file that it carries until its time", async () => {
    const crew = await startCrew();
    const fileId = await upload(crew, crew.boss);
    const unused = await upload(crew, crew.boss);
    const draft = { to: "ann", body: "x", deliverAt: later(crew, 72 * 3_600_000), payload: { files: [{ fileId }] } };
    await crew.ask("POST", "/v1/messages", draft, crew.boss);
    for (let hour = 0; hour < 72; hour++) await crew.pass(3_600_000);
    expect(await crew.inbox(crew.ann)).toHaveLength(1);
    expect((await crew.ask("GET", `/v1/files/${unused}`)).status).toBe(404);
  });

  test("a message with a deliverAt that is refused at its time is its sender's to know, at once, and no error of the relay's", async () => {
    const { logger, lines } = recorder();
    const crew = await startCrew({}, logger);
    const file = new Database(join(crew.config.dataDir, "signalbox.db"));
    const deliverAt = later(crew, 60_000);
    const plan = async (fields: Record<string, unknown>) =>
      (await crew.ask("POST", "/v1/messages", { to: "ann", body: "x", deliverAt, ...fields }, crew.boss)).body
        .scheduleId;
    const fileId = await upload(crew, crew.boss);
    const lost = await plan({ payload: { files: [{ fileId }] } });
    const message = { to: "ann", body: "x", payload: { files: [{ fileId }] } };
    const { id } = (await crew.ask("POST", "/v1/schedules", { at: deliverAt, message }, crew.boss)).body;
    const fine = await plan({ body: "fine" });
    file.run("delete from files where id = ?", [fileId]);
    file.close();
    await crew.pass(60_000);
    expect((await crew.inbox(crew.ann)).map((item) => item.body)).toEqual(["fine"]);
    const told = (await crew.inbox(crew.boss)).map((item) => item.payload.scheduleId);
    expect(told.toSorted()).toEqual([lost, id].toSorted());
    expect((await crew.ask("GET", `/v1/schedules/${id}/fires`, undefined, crew.boss)).body.items).toMatchObject([
      { outcome: "failed", messageId: null, error: expect.stringContaining(fileId) },
    ]);
    expect(fine).toMatch(/^sch_/);
    const said = lines().filter((line) => line.level >= 40 || "scheduleId" in line);
    expect(said.map(({ level, scheduleId }) => [level, scheduleId]).toSorted()).toEqual(
      [lost, id].map((scheduleId) => [20, scheduleId]).toSorted(),
    );
  });

  test("a message with a deliverAt in a chain that was paused meanwhile is told to its sender, and not tried again", async () => {
    const crew = await startCrew();
    let replyTo = (await crew.ask("POST", "/v1/messages", { to: "ann", body: "0" }, crew.boss)).body.id;
    const planned = (
      await crew.ask(
        "POST",
        "/v1/messages",
        { to: "ann", body: "late", replyTo, deliverAt: later(crew, 60_000) },
        crew.boss,
      )
    ).body.scheduleId;
    for (let n = 1; n < 300; n++) {
      const [from, to] = n % 2 ? [crew.ann, "boss"] : [crew.boss, "ann"];
      const sent = await crew.ask("POST", "/v1/messages", { to, body: `${n}`, replyTo }, from);
      if (sent.status !== 201) break;
      replyTo = sent.body.id;
    }
    await crew.pass(60_000);
    const told = (await crew.inbox(crew.boss)).filter((item) => item.payload?.scheduleId === planned);
    const came = (await crew.inbox(crew.ann)).filter((item) => item.body === "late");
    expect(told.length + came.length).toBe(1);
  });

  test("a message with a deliverAt may be work, and may expire after it; what is past already is sent at once", async () => {
    const crew = await startCrew();
    const deliverAt = later(crew, 60_000);
    const work = { to: "tag:crew", body: "work", claimable: true, deliverAt, expiresAt: later(crew, 120_000) };
    expect((await crew.ask("POST", "/v1/messages", work, crew.boss)).status).toBe(202);
    expect(await crew.claim(crew.ann)).toEqual([]);
    await crew.pass(60_000);
    expect((await crew.take(crew.ann)).message.body).toBe("work");

    const early = { to: "ann", body: "x", deliverAt: later(crew, 60_000), expiresAt: later(crew, 60_000) };
    expect(await crew.ask("POST", "/v1/messages", early, crew.boss)).toMatchObject({ status: 422 });
    const past = await crew.ask("POST", "/v1/messages", { to: "ann", body: "past", deliverAt }, crew.boss);
    expect(past.status).toBe(201);
  });

  test("a message with a deliverAt that several messages share comes in the order in which they were sent", async () => {
    const crew = await startCrew();
    const deliverAt = later(crew, 60_000);
    const bodies = Array.from({ length: 250 }, (_, i) => `${i}`);
    for (const body of bodies) await crew.ask("POST", "/v1/messages", { to: "ann", body, deliverAt }, crew.boss);
    await crew.pass(60_000);
    expect((await crew.inbox(crew.ann)).map((item) => item.body)).toEqual(bodies);
  });
});
