import { describe, expect, test } from "bun:test";
import { type Crew, type ShownRun, startCrew } from "../../support/runs.ts";

/** A run of bob with `children` runs that it spawned at other agents, all running. */
async function withChildren(
  crew: Crew,
  fields: Record<string, unknown> = {},
  names: readonly ("cid" | "dan")[] = ["cid", "dan"],
) {
  const parent = await crew.run(crew.bob, fields);
  const children: ShownRun[] = [];
  for (const name of names) {
    const child = await crew.run(crew.bob, { agentId: name, task: `For ${name}.` }, { "signalbox-run": parent.token });
    children.push(await crew.take(crew[name], child));
  }
  return { parent, children };
}

describe("a run with runs that it asked for", () => {
  test("a spawned run hangs on its parent, which is its requester", async () => {
    const crew = await startCrew();
    const { parent, children } = await withChildren(crew);
    for (const child of children)
      expect(child).toMatchObject({
        ...{ parentId: parent.id, rootRunId: parent.id, depth: 1, cause: "spawn" },
        requester: { runId: parent.id },
      });
    const { body } = await crew.ask("GET", `/v1/runs/${parent.id}/tree`, undefined, crew.bob);
    expect(body.descendants.map(({ id }: ShownRun) => id)).toEqual(children.map(({ id }) => id));
    expect(body).toMatchObject({ run: { id: parent.id }, complete: false });
  });

  test("it waits for them, is woken once with their findings, and ends with its last word", async () => {
    const crew = await startCrew();
    const { parent, children } = await withChildren(crew);
    const [one, other] = children;
    const waiting = await crew.finish(crew.bob, parent, { result: "Asked two." });
    expect(waiting).toMatchObject({ status: "waiting", outcome: null, result: { text: "Asked two." } });
    // It does not hold its session key.
    await crew.finish(crew.bob, await crew.run(crew.bob, { sessionKey: parent.sessionKey, cause: "chat" }));
    await crew.finish(crew.cid, one, { result: "One." });
    expect(await crew.see(parent)).toMatchObject({ status: "waiting", wokenAt: null });
    await crew.does(crew.dan, other, "finish", { outcome: "error", errorCode: "crashed", error: "Boom." }, other);
    const woken = await crew.see(parent);
    expect(woken).toMatchObject({ status: "queued", wokenAt: expect.any(String) });
    const word = (await crew.words(crew.bob)).at(-1);
    expect(word).toMatchObject({ id: parent.id, turnId: woken.turnId, do: "wake" });
    expect(word.findings).toMatchObject([
      { runId: one.id, agentId: "cid", outcome: "ok", result: { text: "One." } },
      { runId: other.id, agentId: "dan", outcome: "error", errorCode: "crashed", error: "Boom.", result: null },
    ]);
    const done = await crew.finish(crew.bob, await crew.take(crew.bob, parent), { result: "Both in." });
    expect(done).toMatchObject({ status: "ended", outcome: "ok", result: { text: "Both in." } });
    expect(done.turns).toHaveLength(2);
  });

  test("findings are parts of results, and none of what clients have encrypted", async () => {
    const crew = await startCrew();
    const { parent, children } = await withChildren(crew);
    const secret = await crew.run(
      crew.bob,
      { agentId: "ada", task: "C".repeat(600), encoding: "opaque" },
      { "signalbox-run": parent.token },
    );
    await crew.finish(crew.bob, parent);
    await crew.finish(crew.cid, children[0], { result: `x${"\u{1f600}".repeat(5000)}` });
    await crew.finish(crew.dan, children[1], { result: "Short." });
    await crew.finish(crew.ada, await crew.take(crew.ada, secret), { result: "C".repeat(9000) });
    const { findings } = (await crew.words(crew.bob)).at(-1);
    const texts = findings.map(({ result }: ShownRun) => result.text);
    expect(texts).toEqual([expect.any(String), "Short.", ""]);
    expect(texts[0].isWellFormed()).toBe(true);
    expect(findings.map(({ result }: ShownRun) => result.cut)).toEqual([true, false, true]);
    expect(findings[2].task).toBe("");
  });

  test("a wake that nobody takes in half an hour ends the run with the result that it had", async () => {
    const crew = await startCrew();
    const { parent, children } = await withChildren(crew, {}, ["cid"]);
    await crew.finish(crew.bob, parent, { result: "Asked." });
    await crew.finish(crew.cid, children[0], { result: "One." });
    await crew.pass(29 * 60_000);
    expect(await crew.see(parent)).toMatchObject({ status: "queued" });
    await crew.pass(61_000);
    expect(await crew.see(parent)).toMatchObject({ status: "ended", outcome: "ok", result: { text: "Asked." } });
  });

  test("without wakeOnSettle it ends with its own result when the last has ended", async () => {
    const crew = await startCrew();
    const { parent, children } = await withChildren(crew, { wakeOnSettle: false }, ["cid"]);
    await crew.finish(crew.bob, parent, { result: "Asked." });
    await crew.finish(crew.cid, children[0]);
    expect(await crew.see(parent)).toMatchObject({ status: "ended", outcome: "ok", wokenAt: null });
    expect((await crew.words(crew.bob)).map((word) => word.do)).toEqual([]);
  });

  test("a run that was woken and asks again ends without another wake", async () => {
    const crew = await startCrew();
    const { parent, children } = await withChildren(crew, {}, ["cid"]);
    await crew.finish(crew.bob, parent);
    await crew.finish(crew.cid, children[0]);
    const woken = await crew.take(crew.bob, parent);
    const more = await crew.run(crew.bob, { agentId: "dan" }, { "signalbox-run": woken.token });
    await crew.finish(crew.bob, woken, { result: "Second." });
    expect(await crew.see(parent)).toMatchObject({ status: "waiting" });
    await crew.finish(crew.dan, await crew.take(crew.dan, more));
    expect(await crew.see(parent)).toMatchObject({ status: "ended", result: { text: "Second." } });
  });

  test("a lost run ends at once; what it asked for goes on", async () => {
    const crew = await startCrew();
    const { parent, children } = await withChildren(crew, {}, ["cid"]);
    await crew.does(crew.cid, children[0], "renew", { leaseSeconds: 3600 }, children[0]);
    await crew.pass(121_000);
    expect(await crew.see(parent)).toMatchObject({ status: "ended", errorCode: "lost" });
    expect(await crew.see(children[0])).toMatchObject({ status: "running" });
    expect(await crew.finish(crew.cid, children[0])).toMatchObject({ status: "ended", outcome: "ok" });
    expect(await crew.see(parent)).toMatchObject({ status: "ended", errorCode: "lost" });
  });

  test("the time of a run that waits may be over", async () => {
    const crew = await startCrew();
    const { parent, children } = await withChildren(crew, { timeoutSeconds: 100 }, ["cid"]);
    await crew.finish(crew.bob, parent, { result: "Mine." });
    await crew.does(crew.cid, children[0], "renew", { leaseSeconds: 3600 }, children[0]);
    await crew.pass(101_000);
    expect(await crew.see(parent)).toMatchObject({ status: "ended", outcome: "timeout", result: { text: "Mine." } });
  });
});

describe("limits", () => {
  test("runs are spawned two deep, and five below one, unless the operator says otherwise", async () => {
    const crew = await startCrew({ runsPerParent: 2 });
    const spawn = (by: typeof crew.bob, agentId: string, token: string) =>
      crew.tryRun(by, { agentId }, { "signalbox-run": token });
    const top = await crew.run(crew.bob);
    const child = await crew.take(crew.cid, (await spawn(crew.bob, "cid", top.token)).body);
    const grand = await crew.take(crew.dan, (await spawn(crew.cid, "dan", child.token)).body);
    expect(grand).toMatchObject({ depth: 2, rootRunId: top.id });
    const deep = await spawn(crew.dan, "ada", grand.token);
    expect(deep).toMatchObject({ status: 422, body: { code: "too-deep" } });
    expect((await spawn(crew.bob, "dan", top.token)).status).toBe(201);
    const third = await spawn(crew.bob, "ada", top.token);
    expect(third).toMatchObject({ status: 409, body: { code: "budget-exceeded" } });
    await crew.finish(crew.dan, grand);
    await crew.finish(crew.cid, child);
    expect((await spawn(crew.bob, "ada", top.token)).status).toBe(201);
  });

  test("runs and delegations of one tree share its budget", async () => {
    const crew = await startCrew({ delegationsPerRoot: 3 });
    const top = await crew.run(crew.bob);
    const headers = { "signalbox-run": top.token };
    for (const agentId of ["cid", "dan"]) await crew.run(crew.bob, { agentId }, headers);
    const full = await crew.tryRun(crew.bob, { agentId: "ada" }, headers);
    expect(full).toMatchObject({ status: 409, body: { code: "budget-exceeded" } });
  });
});
