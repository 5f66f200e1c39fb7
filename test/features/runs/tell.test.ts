import { describe, expect, test } from "bun:test";
import { startCrew } from "../../support/runs.ts";

async function steerable() {
  const crew = await startCrew();
  await crew.ask("PATCH", "/v1/agents/bob", { reach: "mid-turn" }, crew.bob);
  return crew;
}

describe("a message to a run", () => {
  test("it steers a running turn whose runner hears it, once for each id", async () => {
    const crew = await steerable();
    const run = await crew.take(crew.bob, await crew.run(crew.ada, { agentId: "bob" }));
    const told = await crew.does(crew.ada, run, "messages", { id: "m1", text: "Also the tests." });
    expect(told).toMatchObject({ status: 200, body: { turnId: run.turnId, mode: "steered" } });
    expect((await crew.does(crew.ada, run, "messages", { id: "m1", text: "Also the tests." })).body).toEqual(told.body);
    const words = (await crew.words(crew.bob)).filter((word) => word.do === "message");
    expect(words).toEqual([{ id: run.id, turnId: run.turnId, do: "message", text: "Also the tests." }]);
    const other = await crew.does(crew.ada, run, "messages", { id: "m1", text: "Something else." });
    expect(other.body.code).toBe("idempotency-mismatch");
  });

  test("it waits for the end of a turn that cannot be steered, and begins the next one", async () => {
    const crew = await startCrew();
    const run = await crew.take(crew.bob, await crew.run(crew.ada, { agentId: "bob" }));
    const first = (await crew.does(crew.ada, run, "messages", { text: "One." })).body;
    expect(first).toMatchObject({ mode: "queued" });
    await crew.pass(2000);
    expect((await crew.does(crew.ada, run, "messages", { text: "Two." })).body).toEqual(first);
    await crew.finish(crew.bob, run, { result: "Done." });
    const next = await crew.see(run);
    expect(next).toMatchObject({
      status: "queued",
      turnId: first.turnId,
      turns: [{ outcome: "ok" }, { outcome: null }],
    });
    expect((await crew.words(crew.bob)).at(-1)).toMatchObject({
      do: "start",
      turnId: first.turnId,
      text: "One.\n\nTwo.",
    });
    const done = await crew.finish(crew.bob, await crew.take(crew.bob, run), { result: "Done, too." });
    expect(done).toMatchObject({ status: "ended", result: { text: "Done, too." } });
  });

  test("G7: it is kept when the runner is lost, and dropped by an abort that follows it", async () => {
    const crew = await startCrew();
    const lost = await crew.run(crew.bob);
    const told = (await crew.does(undefined, lost, "messages", { text: "Go on." })).body;
    await crew.pass(121_000);
    const after = await crew.see(lost);
    expect(after).toMatchObject({ status: "queued", turnId: told.turnId, turns: [{ outcome: "error" }, {}] });
    const run = await crew.run(crew.bob);
    await crew.does(undefined, run, "messages", { text: "Go on." });
    await crew.does(undefined, run, "abort");
    const late = (await crew.does(undefined, run, "messages", { text: "No, do go on." })).body;
    expect(late).toMatchObject({ mode: "queued" });
    await crew.finish(crew.bob, run, { outcome: "aborted" });
    expect(await crew.see(run)).toMatchObject({ status: "queued", turnId: late.turnId });
    expect((await crew.words(crew.bob)).at(-1)).toMatchObject({ do: "start", text: "No, do go on." });
    const [, dropped] = (await crew.see(run)).turns;
    const { items } = (await crew.ask("GET", `/v1/runs/${run.id}/events?turn=${dropped.turnId}`)).body;
    // A viewer of the turn that never began is told of its end.
    expect(items.map(({ part }: { part: { type: string } }) => part.type).at(-1)).toBe("abort");
  });

  test("it begins a turn in a run that waits or has ended, whose result replaces the old one", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    await crew.finish(crew.bob, run, { result: "First." });
    const told = (await crew.does(undefined, run, "messages", { id: "u1", text: "And now?" })).body;
    expect(told).toMatchObject({ mode: "started" });
    const { items } = (await crew.ask("GET", `/v1/runs/${run.id}/events?turn=${told.turnId}`)).body;
    expect(items).toMatchObject([{ part: { type: "data-user-message", id: "u1", data: { text: "And now?" } } }]);
    expect(told.turnId).not.toBe(run.turnId);
    const queued = await crew.see(run);
    expect(queued).toMatchObject({ status: "queued", outcome: null, endedAt: null, turnId: told.turnId });
    const failed = await crew.finish(crew.bob, await crew.take(crew.bob, run), { outcome: "error", error: "No." });
    expect(failed).toMatchObject({
      status: "ended",
      outcome: "error",
      errorCode: "unknown",
      error: "No.",
      result: null,
    });
  });

  test("an agent says 4,000 characters once in 2 s to the runs of another", async () => {
    const crew = await steerable();
    const run = await crew.take(crew.bob, await crew.run(crew.ada, { agentId: "bob" }));
    const say = (text: string) => crew.does(crew.ada, run, "messages", { text });
    expect(await say("x".repeat(4001))).toMatchObject({ status: 422, body: { errors: [{ pointer: "/text" }] } });
    expect((await say("x".repeat(4000))).status).toBe(200);
    const early = await say("Again.");
    expect(early).toMatchObject({ status: 429, body: { code: "rate-limited" } });
    expect(Number(early.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await crew.does(undefined, run, "messages", { text: "x".repeat(5000) })).status).toBe(200);
    await crew.pass(2000);
    expect((await say("Again.")).status).toBe(200);
  });

  test("a queued run hears it beside its task", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.ada, { agentId: "bob" });
    const told = (await crew.does(crew.ada, run, "messages", { text: "Be quick." })).body;
    expect(told).toEqual({ turnId: run.turnId, mode: "queued" });
    expect((await crew.words(crew.bob)).map((word) => word.do)).toEqual(["start", "message"]);
    const taken = await crew.take(crew.bob, run);
    expect(taken.turnId).toBe(run.turnId);
  });

  test("files go with it that its sender may use", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    const refused = await crew.does(undefined, run, "messages", { text: "See.", files: ["fil_nothere"] });
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: "/files/0" }] } });
  });

  test("a word to a turn that can be steered outlives the lease, and needs nothing once the turn is over", async () => {
    const crew = await steerable();
    const run = await crew.run(crew.bob, { leaseSeconds: 10 });
    await crew.pass(9000);
    await crew.does(undefined, run, "messages", { text: "Hear me." });
    await crew.does(crew.bob, run, "renew", {}, run);
    await crew.pass(2000);
    expect(await crew.words(crew.bob)).toMatchObject([{ do: "message", text: "Hear me." }]);
    expect((await crew.inbox(crew.bob))[0].settled).toBeFalsy();
    await crew.finish(crew.bob, run);
    expect((await crew.inbox(crew.bob))[0].settled).toBe(true);
  });

  test("what is said for the next turn is one prompt, and bounded as one", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob);
    const say = (text: string) => crew.does(undefined, run, "messages", { text });
    expect((await say("x".repeat(200_000))).body).toMatchObject({ mode: "queued" });
    expect(await say("y".repeat(200_000))).toMatchObject({ status: 422, body: { errors: [{ pointer: "/text" }] } });
    await say("z");
    await crew.finish(crew.bob, run);
    expect((await crew.words(crew.bob)).at(-1).text).toBe(`${"x".repeat(200_000)}\n\nz`);
  });
});
