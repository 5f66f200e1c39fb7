import { describe, expect, test } from "bun:test";
import { type Crew, type Ending, type Held, startCrew } from "../../support/work.ts";

const LOST = { status: 409, body: { code: "claim-lost" } };
const ENDINGS: [Ending, Record<string, unknown>][] = [
  ["renew", {}],
  ["release", {}],
  ["complete", { result: "too late" }],
  ["fail", { error: "too late" }],
];

/** Nothing that a holder could do succeeds with this token. */
async function expectLost({ end, ann }: Crew, held: Held): Promise<void> {
  for (const [how, body] of ENDINGS) expect(await end(how, ann, held, body)).toMatchObject(LOST);
}

describe("G4: a holder whose lease ran out", () => {
  test("G4: a holder whose lease ran out can do nothing with it any more, from the very millisecond on", async () => {
    const crew = await startCrew();
    const id = await crew.open();
    const held = await crew.take(crew.ann, { leaseSeconds: 60 });
    crew.clock.advance(59_999);
    expect((await crew.end("renew", crew.ann, held, { leaseSeconds: 1 })).status).toBe(200);
    // The wall clock alone: the timer has not fired, so the row still says that ann holds it.
    crew.clock.jump(1000);
    await expectLost(crew, held);
    expect(await crew.look(id)).toMatchObject({ attempts: [{ agentId: "ann" }] });
  });

  test("G4: a holder whose lease ran out can do nothing after another holds it, nor when that one is done with it", async () => {
    const crew = await startCrew();
    await crew.open();
    const held = await crew.take(crew.ann, { leaseSeconds: 60 });
    await crew.pass(60_000);
    const other = await crew.take(crew.ben);
    expect(other.message.id).toBe(held.message.id);
    await expectLost(crew, held);
    expect((await crew.end("complete", crew.ben, other)).status).toBe(200);
    await expectLost(crew, held);
    const { attempts } = await crew.look(held.message.id);
    expect(attempts.map((one: { outcome: string }) => one.outcome)).toEqual(["expired", "completed"]);
    expect((await crew.inbox(crew.boss)).filter((item) => item.body === "too late")).toEqual([]);
  });

  test("G4: a holder whose lease ran out can do nothing with its old lease, even when it holds the work again itself", async () => {
    const crew = await startCrew();
    await crew.open();
    const old = await crew.take(crew.ann, { leaseSeconds: 60 });
    await crew.pass(60_000);
    const fresh = await crew.take(crew.ann);
    await expectLost(crew, old);
    expect((await crew.end("complete", crew.ann, fresh)).status).toBe(200);
  });

  test("G4: a holder whose lease ran out cannot use a token of another agent, of another message, or one that it made up", async () => {
    const { ask, open, take, ann, ben, end, look } = await startCrew();
    await open();
    const held = await take(ann);
    const other = await open();
    expect(await end("complete", ben, held)).toMatchObject(LOST);
    expect(await ask("POST", `/v1/messages/${other}/complete`, { token: held.claim.token }, ann)).toMatchObject(LOST);
    for (const token of ["", "clm", "clm_1_1'", `clm_${held.message.id}_2`, `clm_${held.message.id}_999999999`])
      expect(await end("complete", ann, { ...held, claim: { ...held.claim, token } })).toMatchObject(LOST);
    expect(await look(held.message.id)).toMatchObject({ state: "claimed", claim: { agentId: "ann" } });
  });
});

describe("the fence", () => {
  /** The rising part of a lease's token, which only this test may know of. */
  const fenceOf = (held: Held) => Number(held.claim.token.split("_").at(-1));

  test("G4: the fence only rises: over release, failure, expiry, death and requeue", async () => {
    const { open, take, end, ask, pass, ann, ben } = await startCrew();
    const id = await open({ maxAttempts: 3 });
    const fences: number[] = [];
    const next = async () => {
      const held = await take(fences.length % 2 ? ann : ben, { leaseSeconds: 30 });
      fences.push(fenceOf(held));
      return { held, by: fences.length % 2 ? ben : ann };
    };
    const first = await next();
    await end("release", first.by, first.held);
    const second = await next();
    await end("fail", second.by, second.held, { error: "no" });
    await next();
    await pass(30_000);
    const last = await next();
    expect(await end("fail", last.by, last.held, { error: "no" })).toMatchObject({
      body: { message: { state: "dead" } },
    });
    await ask("POST", `/v1/messages/${id}/requeue`);
    await next();
    expect(fences).toEqual([...fences].sort((a, b) => a - b));
    expect(new Set(fences).size).toBe(5);
  });
});

describe("repeating what succeeded", () => {
  test.each([
    ["complete", { result: "done" }, "done"],
    ["fail", { error: "broken" }, "open"],
    ["release", { reason: "not mine" }, "open"],
    ["fail", { error: "broken", final: true }, "dead"],
  ] as const)("%s %o succeeds again, and is done once", async (how, body, state) => {
    const { open, take, end, look, inbox, ann, boss } = await startCrew();
    const id = await open();
    const held = await take(ann);
    for (let i = 0; i < 3; i++)
      expect(await end(how, ann, held, body)).toMatchObject({ status: 200, body: { message: { state } } });
    const after = await look(id);
    expect(after.attempts).toHaveLength(1);
    const told = (await inbox(boss)).filter((item) => item.replyTo === id);
    expect(told).toHaveLength(state === "open" ? 0 : 1);
  });

  test("repeating what succeeded succeeds also when it has been claimed, done or cancelled by others since", async () => {
    const { open, take, end, ask, ann, ben, boss } = await startCrew();
    const id = await open();
    const held = await take(ann);
    expect((await end("release", ann, held)).status).toBe(200);
    const other = await take(ben);
    expect(await end("release", ann, held)).toMatchObject({
      status: 200,
      body: { message: { state: "claimed", claim: { agentId: "ben" } } },
    });
    // The answer is for any caller: it does not hold the token of the other's lease.
    expect(JSON.stringify((await end("release", ann, held)).body)).not.toContain(other.claim.token);
    await ask("POST", `/v1/messages/${id}/cancel`, undefined, boss);
    expect(await end("release", ann, held)).toMatchObject({ status: 200, body: { message: { state: "cancelled" } } });
    // Another ending than the one that it had is no repetition.
    expect(await end("complete", ann, held)).toMatchObject(LOST);
  });
});
