import { describe, expect, test } from "bun:test";
import { toTime } from "../../../src/protocol/wire.ts";
import { startCrew } from "../../support/work.ts";

describe("completing with a result", () => {
  test("completing with a result appends a response to the sender in the same write, in the thread and chain of the work", async () => {
    const { open, take, end, inbox, look, ann, boss } = await startCrew();
    const id = await open();
    const held = await take(ann);
    const result = { body: "42", subject: "the answer", payload: { n: 42 } };
    expect((await end("complete", ann, held, { result })).body.message).toMatchObject({
      id,
      state: "done",
      claim: null,
    });
    const told = await inbox(boss);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({
      ...{ from: "ann", to: "boss", kind: "response", replyTo: id, threadId: id, causedBy: id, rootId: id, hops: 1 },
      ...result,
    });
    expect(await look(id)).toMatchObject({ state: "done", attempts: [{ agentId: "ann", outcome: "completed" }] });
  });

  test("completing with a result takes a bare text as the body, and says nothing when there is no result", async () => {
    const { open, take, end, inbox, ann, boss } = await startCrew();
    await open();
    await open();
    await end("complete", ann, await take(ann), { result: "done" });
    await end("complete", ann, await take(ann));
    expect((await inbox(boss)).map((item) => item.body)).toEqual(["done"]);
  });

  test("completing with a result succeeds when the sender is gone, and is refused whole when the result is not acceptable", async () => {
    const { open, take, end, look, ask, ann } = await startCrew();
    const id = await open();
    const held = await take(ann);
    const refused = await end("complete", ann, held, { result: { body: "x", colour: "red" } });
    expect(refused).toMatchObject({ status: 422 });
    expect((await look(id)).state).toBe("claimed");
    await ask("DELETE", "/v1/agents/boss");
    expect((await end("complete", ann, held, { result: "done" })).status).toBe(200);
    expect((await look(id)).state).toBe("done");
  });
});

describe("cancelling", () => {
  test("cancelling open work leaves nothing to claim; the holder of held work is told, and has lost it", async () => {
    const { open, take, claim, end, inbox, look, ask, ann, boss } = await startCrew();
    const [held, waiting] = [await open(), await open()];
    const lease = await take(ann);
    for (const id of [held, waiting])
      expect((await ask("POST", `/v1/messages/${id}/cancel`, undefined, boss)).body.message.state).toBe("cancelled");
    expect(await claim(ann)).toEqual([]);
    expect(await end("complete", ann, lease)).toMatchObject({ status: 409, body: { code: "claim-lost" } });
    const told = (await inbox(ann)).filter((item) => item.from === "system");
    expect(told.map((item) => item.payload)).toEqual([{ messageId: held, state: "cancelled" }]);
    expect((await look(held)).attempts).toMatchObject([{ outcome: "cancelled" }]);
  });

  test("cancelling is for the sender and operators, succeeds twice, and not after the end", async () => {
    const { open, take, end, ask, ann, ben, boss } = await startCrew();
    const id = await open();
    expect(await ask("POST", `/v1/messages/${id}/cancel`, undefined, ben)).toMatchObject({ status: 403 });
    expect((await ask("POST", `/v1/messages/${id}/cancel`)).status).toBe(200);
    expect((await ask("POST", `/v1/messages/${id}/cancel`, undefined, boss)).status).toBe(200);
    const done = await open();
    await end("complete", ann, await take(ann));
    expect(await ask("POST", `/v1/messages/${done}/cancel`, undefined, boss)).toMatchObject({
      status: 409,
      body: { code: "not-open" },
    });
  });
});

describe("expiresAt", () => {
  test("expiresAt makes open work expired at that time, and its sender is told once", async () => {
    const { open, claim, pass, look, inbox, clock, ann, boss } = await startCrew();
    const id = await open({ expiresAt: toTime(clock.now() + 60_000) });
    await pass(59_999);
    expect((await look(id)).state).toBe("open");
    await pass(1);
    expect(await look(id)).toMatchObject({ state: "expired", attempts: [] });
    expect(await claim(ann)).toEqual([]);
    await pass(120_000);
    expect((await inbox(boss)).map((item) => item.payload)).toEqual([{ messageId: id, state: "expired" }]);
  });

  test("expiresAt is seen by a claim even before the timer has fired", async () => {
    const { open, claim, look, ask, clock, ann } = await startCrew();
    const ids = [await open({ expiresAt: toTime(clock.now() + 1000) }), await open(), await open()];
    clock.jump(1000);
    expect((await claim(ann)).map((held) => held.message.id)).toEqual([ids[1] as number]);
    expect((await look(ids[0] as number)).state).toBe("expired");
    expect(await ask("POST", `/v1/messages/${ids[0]}/claim`, {}, ann)).toMatchObject({ body: { code: "not-open" } });
  });

  test("expiresAt lets a holder finish: held work expires when its lease ends without being done", async () => {
    const { open, take, end, pass, look, clock, ann } = await startCrew();
    const expiresAt = toTime(clock.now() + 60_000);
    const [finished, released, left] = [
      await open({ expiresAt }),
      await open({ expiresAt }),
      await open({ expiresAt }),
    ];
    const [first, second] = [await take(ann, { leaseSeconds: 90 }), await take(ann, { leaseSeconds: 90 })];
    await take(ann, { leaseSeconds: 90 });
    await pass(61_000);
    expect((await end("complete", ann, first)).body.message.state).toBe("done");
    expect((await end("release", ann, second)).body.message.state).toBe("expired");
    await pass(30_000);
    const states = [];
    for (const id of [finished, released, left]) states.push((await look(id)).state);
    expect(states).toEqual(["done", "expired", "expired"]);
  });
});
