import { describe, expect, test } from "bun:test";
import { startCrew } from "../../support/runs.ts";

describe("an abort", () => {
  test("a queued run ends at once", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.ada, { agentId: "bob" });
    const { body } = await crew.does(crew.ada, run, "abort", { reason: "Not needed." });
    expect(body).toEqual({ status: "ended", children: [] });
    const over = { status: "ended", outcome: "aborted", confirmed: true, error: "Not needed.", errorCode: null };
    expect(await crew.see(run)).toMatchObject(over);
    expect(await crew.does(crew.bob, run, "start")).toMatchObject({ status: 409, body: { code: "not-open" } });
    expect((await crew.does(crew.ada, run, "abort")).body).toEqual({ status: "ended", children: [] });
  });

  test("a running run is asked to stop, and any finish confirms it: its outcome stands", async () => {
    const crew = await startCrew();
    for (const [outcome, error] of [
      ["aborted", "Enough."],
      ["ok", null],
    ] as const) {
      const run = await crew.take(crew.bob, await crew.run(crew.ada, { agentId: "bob" }));
      expect((await crew.does(crew.ada, run, "abort", { reason: "Enough." })).body.status).toBe("stopping");
      expect((await crew.does(crew.ada, run, "abort", { reason: "Again." })).body.status).toBe("stopping");
      const words = (await crew.words(crew.bob)).filter((word) => word.id === run.id);
      expect(words).toMatchObject([{ do: "start" }, { do: "abort", turnId: run.turnId, text: "Enough." }]);
      expect((await crew.does(crew.bob, run, "renew", {}, run)).body).toMatchObject({ status: "stopping" });
      const done = await crew.finish(crew.bob, run, { outcome });
      expect(done).toMatchObject({ status: "ended", outcome, confirmed: true, error });
    }
  });

  test("a stopping run still holds its session key, and ends unconfirmed after 15 s", async () => {
    const crew = await startCrew();
    const run = await crew.take(crew.bob, await crew.run(crew.ada, { agentId: "bob", sessionKey: "main" }));
    await crew.does(crew.ada, run, "abort");
    await crew.pass(14_000);
    expect((await crew.tryRun(crew.bob, { sessionKey: "main" })).body.code).toBe("already-running");
    await crew.pass(1500);
    expect(await crew.see(run)).toMatchObject({ status: "ended", outcome: "aborted", confirmed: false });
    const late = await crew.finish(crew.bob, run, { outcome: "aborted", result: "Half." });
    expect(late).toMatchObject({ outcome: "aborted", confirmed: true, late: true, result: { text: "Half." } });
    const twice = await crew.does(crew.bob, run, "finish", { outcome: "ok" }, run);
    expect(twice).toMatchObject({ status: 409, body: { code: "not-open" } });
  });

  test("it reaches the runs below at any depth, unless told not to", async () => {
    const crew = await startCrew();
    const top = await crew.take(crew.bob, await crew.run(crew.ada, { agentId: "bob" }));
    const child = await crew.take(
      crew.cid,
      await crew.run(crew.bob, { agentId: "cid" }, { "signalbox-run": top.token }),
    );
    const grand = await crew.run(crew.cid, { agentId: "dan" }, { "signalbox-run": child.token });
    expect((await crew.does(crew.ada, top, "abort", { cascade: false })).body).toEqual({
      status: "stopping",
      children: [],
    });
    const { body } = await crew.does(crew.ada, top, "abort");
    expect(body).toEqual({
      status: "stopping",
      children: [
        { id: child.id, status: "stopping" },
        { id: grand.id, status: "ended" },
      ],
    });
    await crew.finish(crew.bob, top, { outcome: "aborted" });
    await crew.finish(crew.cid, child, { outcome: "aborted" });
    expect(await crew.see(top)).toMatchObject({ status: "ended", turns: [{ outcome: "aborted" }] });
  });

  test("a waiting run ends at once, with what it had", async () => {
    const crew = await startCrew();
    const top = await crew.run(crew.bob);
    const child = await crew.run(crew.bob, { agentId: "cid" }, { "signalbox-run": top.token });
    await crew.finish(crew.bob, top, { result: "Asked." });
    const { body } = await crew.does(undefined, top, "abort");
    expect(body).toEqual({ status: "ended", children: [{ id: child.id, status: "ended" }] });
    expect(await crew.see(top)).toMatchObject({ outcome: "aborted", result: { text: "Asked." }, wokenAt: null });
    expect((await crew.ask("GET", "/v1/activity")).body.items[0]).toMatchObject({ verb: "run.aborted" });
  });

  test("only its asker, agents of the runs above it, and operators stop a run", async () => {
    const crew = await startCrew();
    const top = await crew.run(crew.bob);
    const child = await crew.run(crew.bob, { agentId: "cid" }, { "signalbox-run": top.token });
    const taken = await crew.take(crew.cid, child);
    const grand = await crew.run(crew.cid, { agentId: "dan" }, { "signalbox-run": taken.token });
    for (const [by, run] of [
      [crew.dan, grand],
      [crew.ada, grand],
      [crew.cid, child],
      [crew.cid, top],
    ] as const)
      for (const [verb, body] of [
        ["abort", {}],
        ["messages", { text: "Hello." }],
      ] as const)
        expect(await crew.does(by, run, verb, body)).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect((await crew.does(crew.bob, grand, "abort")).status).toBe(200);
    expect((await crew.does(undefined, child, "abort")).status).toBe(200);
  });

  test("the runs of a deleted agent end", async () => {
    const crew = await startCrew();
    const running = await crew.run(crew.bob);
    const queued = await crew.run(crew.ada, { agentId: "bob" });
    const child = await crew.run(crew.bob, { agentId: "cid" }, { "signalbox-run": running.token });
    expect((await crew.ask("DELETE", "/v1/agents/bob")).status).toBe(204);
    for (const run of [running, queued])
      expect(await crew.see(run)).toMatchObject({ status: "ended", outcome: "error", errorCode: "no-runner" });
    expect(await crew.see(child)).toMatchObject({ status: "queued" });
    expect(await crew.does(undefined, running, "messages", { text: "Hello." })).toMatchObject({ status: 410 });
  });
});
