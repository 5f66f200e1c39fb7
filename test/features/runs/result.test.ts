import { describe, expect, test } from "bun:test";
import { startCrew } from "../../support/runs.ts";

const LIMIT = 100_000;

describe("the result of a run", () => {
  test("it is kept up to 100,000 bytes in its row, and whole in a file beyond", async () => {
    const crew = await startCrew();
    const fits = "x".repeat(LIMIT);
    expect((await crew.finish(crew.bob, await crew.run(crew.bob), { result: fits })).result).toEqual({
      text: fits,
      cut: false,
    });
    const long = "ä".repeat(LIMIT / 2 + 1);
    const run = await crew.run(undefined, { agentId: "bob", requester: { agentId: "ada" } });
    const done = await crew.finish(crew.bob, await crew.take(crew.bob, run), { result: long });
    expect(done.result).toEqual({ text: "ä".repeat(LIMIT / 2), cut: true, fileId: expect.stringMatching(/^fil_/) });
    const path = `/v1/files/${done.result.fileId}`;
    // The requester has the announcement that carries it.
    expect((await crew.ask("GET", path, undefined, crew.ada)).body).toBe(long);
    expect((await crew.ask("GET", path, undefined, crew.cid)).status).toBe(403);
    expect(await crew.finish(crew.bob, { ...run, token: run.turnId.replace("trn", "rnt") }, { result: long })).toEqual(
      done,
    );
    await crew.pass(48 * 3_600_000);
    expect((await crew.ask("GET", path)).body).toBe(long);
  });

  test("left out it is the last visible text of the last turn, also a long one, and of a lost run too", async () => {
    const crew = await startCrew();
    const say = (run: { id: string; token: string }, seq: number, text: string) =>
      crew.does(
        crew.bob,
        run,
        "events",
        { events: [{ source: "s", seq, stream: "assistant", data: { delta: text } }] },
        run,
      );
    const run = await crew.run(crew.bob);
    await say(run, 0, "First.");
    expect((await crew.finish(crew.bob, run)).result).toEqual({ text: "First.", cut: false });
    await crew.does(undefined, run, "messages", { text: "More." });
    const failed = await crew.finish(crew.bob, await crew.take(crew.bob, run), { outcome: "error" });
    expect(failed.result).toBeNull();
    const lost = await crew.run(crew.bob);
    await say(lost, 0, "Half of it.");
    await crew.pass(121_000);
    expect(await crew.see(lost)).toMatchObject({ errorCode: "lost", result: { text: "Half of it." } });
    const long = await crew.run(crew.bob);
    for (const seq of [0, 1]) await say(long, seq, "y".repeat(60_000));
    expect((await crew.finish(crew.bob, long)).result).toMatchObject({ cut: true, fileId: expect.any(String) });
  });

  test("files that the relay does not have are named as missing, and the others go with it", async () => {
    const crew = await startCrew();
    const upload = await crew.relay.app.handle(
      new Request("http://localhost/v1/files?name=a.txt", {
        ...{ method: "POST", body: "hello" },
        headers: { authorization: `Bearer ${crew.bob.token}`, "content-type": "text/plain" },
      }),
    );
    const { id } = (await upload.json()) as { id: string };
    const foreign = await crew.finish(crew.cid, await crew.run(crew.cid), { result: "See.", files: [id] });
    expect(foreign.result).toEqual({ text: "See.", cut: false, missingFiles: [id] });
    const done = await crew.finish(crew.bob, await crew.run(crew.bob), { files: [id, "fil_none"] });
    expect(done.result).toEqual({ text: "", cut: false, files: [id], missingFiles: ["fil_none"] });
  });

  test("a run that owes one refuses an empty or a silent one, and may end without it as an error", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.bob, { expectsResult: true });
    for (const body of [
      {},
      { result: "" },
      { result: " \n" },
      { result: "NO_REPLY" },
      { result: " ANNOUNCE_SKIP\n" },
      { silent: true },
    ])
      expect(await crew.does(crew.bob, run, "finish", { outcome: "ok", ...body }, run)).toMatchObject({
        status: 422,
        body: { code: "required-result" },
      });
    expect(await crew.see(run, crew.bob)).toEqual(run);
    const done = await crew.finish(crew.bob, run, { outcome: "error", errorCode: "no-result" });
    expect(done).toMatchObject({ outcome: "error", errorCode: "no-result", result: null });
  });

  test("a runner that says no more after the end of its turn has finished it 15 s later", async () => {
    const crew = await startCrew();
    const tell = (run: { id: string; token: string }, seq: number, phase: string, error?: string) =>
      crew.does(
        crew.bob,
        run,
        "events",
        { events: [{ source: "s", seq, stream: "lifecycle", data: { phase, error } }] },
        run,
      );
    const [quiet, talks, owes] = [
      await crew.run(crew.bob),
      await crew.run(crew.bob, { cause: "chat" }),
      await crew.run(crew.bob, { cause: "chat", expectsResult: true }),
    ];
    for (const run of [quiet, talks, owes]) expect((await tell(run, 0, "end")).status).toBe(200);
    await crew.pass(10_000);
    expect((await tell(talks, 1, "start")).status).toBe(200);
    await crew.pass(6000);
    expect(await crew.see(quiet)).toMatchObject({ status: "ended", outcome: "ok" });
    expect(await crew.see(owes)).toMatchObject({ status: "ended", outcome: "error", errorCode: "no-result" });
    expect(await crew.see(talks)).toMatchObject({ status: "running" });
    await tell(talks, 2, "error", "Overloaded.");
    await crew.pass(16_000);
    expect(await crew.see(talks)).toMatchObject({ status: "ended", outcome: "error", error: "Overloaded." });
  });

  test("usage adds up by model, over turns and down the tree", async () => {
    const crew = await startCrew();
    const top = await crew.run(crew.bob, { model: "opus" });
    const child = await crew.take(crew.cid, await crew.run(crew.bob, { agentId: "cid" }));
    await crew.finish(crew.cid, child, { usage: { inputTokens: 5, costUsd: 0.5, model: "haiku" } });
    const usage = { inputTokens: 2, outputTokens: 3 };
    await crew.does(crew.bob, top, "events", { events: [{ source: "s", seq: 0, stream: "usage", data: usage }] }, top);
    const done = await crew.finish(crew.bob, top, { usage: { outputTokens: 1, model: "__proto__" } });
    expect(done.usage).toMatchObject({ inputTokens: 2, outputTokens: 4, costUsd: 0 });
    expect(Object.keys(done.usage.byModel)).toEqual(["opus", "__proto__"]);
    const { body } = await crew.ask("GET", `/v1/runs/${top.id}/tree`);
    expect(body).toMatchObject({ complete: true, usage: { inputTokens: 7, outputTokens: 4, costUsd: 0.5 } });
    expect(body.usage.byModel.haiku).toMatchObject({ inputTokens: 5 });
  });
});
