import { describe, expect, test } from "bun:test";
import { toTime } from "../../../src/protocol/wire.ts";
import { startCrew } from "../../support/work.ts";

describe("talk that expires", () => {
  test("talk that expires is offered to nobody from then on, and its sender is told once, in its thread", async () => {
    const { ask, pass, inbox, clock, ann, boss } = await startCrew();
    const expiresAt = toTime(clock.now() + 60_000);
    const { id } = (await ask("POST", "/v1/messages", { to: "ann", body: "soon", expiresAt }, boss)).body;
    await pass(59_999);
    expect(await inbox(ann)).toHaveLength(1);
    await pass(1);
    expect(await inbox(ann)).toEqual([]);
    await pass(600_000);
    expect(await inbox(boss)).toMatchObject([
      { from: "system", kind: "system", replyTo: id, threadId: id, payload: { messageId: id, state: "expired" } },
    ]);
  });

  test("talk that expires says nothing when it was acknowledged in time", async () => {
    const { ask, pass, inbox, clock, ann, boss } = await startCrew();
    const expiresAt = toTime(clock.now() + 60_000);
    const { id } = (await ask("POST", "/v1/messages", { to: "ann", body: "soon", expiresAt }, boss)).body;
    await ask("POST", "/v1/agents/ann/inbox/ack", { upTo: id }, ann);
    await pass(60_000);
    expect(await inbox(boss)).toEqual([]);
  });

  test("G7: talk that expires is told over a restart, also when its time passed while the relay was away", async () => {
    const crew = await startCrew();
    const expiresAt = toTime(crew.clock.now() + 60_000);
    await crew.ask("POST", "/v1/messages", { to: "ann", body: "soon", expiresAt }, crew.boss);
    await crew.restart(120_000);
    await crew.pass(0);
    await crew.restart();
    await crew.pass(0);
    expect(await crew.inbox(crew.ann)).toEqual([]);
    expect(await crew.inbox(crew.boss)).toHaveLength(1);
  });

  test("talk that expires does not hide what comes after it: a page goes on beyond what has expired", async () => {
    const { ask, pass, clock, ann, boss } = await startCrew();
    const expiresAt = toTime(clock.now() + 1000);
    for (let i = 0; i < 5; i++) await ask("POST", "/v1/messages", { to: "ann", body: "gone", expiresAt }, boss);
    const last = await ask("POST", "/v1/messages", { to: "ann", body: "stays" }, boss);
    await pass(1000);
    const bodies: string[] = [];
    let after = 0;
    for (let more = true; more; ) {
      const { body } = await ask("GET", `/v1/agents/ann/inbox?after=${after}&limit=2`, undefined, ann);
      bodies.push(...body.items.map((item: { body: string }) => item.body));
      expect(body.next).toBeGreaterThan(after);
      after = body.next;
      more = body.more;
    }
    expect(bodies).toEqual(["stays"]);
    expect(after).toBeGreaterThanOrEqual(last.body.id);
  });

  test("talk that expires is refused when it is past already", async () => {
    const { ask, clock, boss } = await startCrew();
    const sent = await ask("POST", "/v1/messages", { to: "ann", body: "x", expiresAt: toTime(clock.now()) }, boss);
    expect(sent).toMatchObject({ status: 422, body: { errors: [{ pointer: "/expiresAt" }] } });
  });
});
