import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { startCrew } from "../../support/runs.ts";
import { openStream } from "../../support/stream.ts";

const HOUR = 3_600_000;

describe("a run in the story of its message", () => {
  test("explain tells of the run, its turns and its end", async () => {
    const crew = await startCrew();
    const { id: messageId } = (await crew.ask("POST", "/v1/messages", { to: "bob", body: "Hello." }, crew.ada)).body;
    const run = await crew.run(crew.bob, { messageId });
    await crew.finish(crew.bob, run, { outcome: "error", errorCode: "crashed" });
    const { facts } = (await crew.ask("GET", `/v1/messages/${messageId}/explain`, undefined, crew.ada)).body;
    expect(facts.filter(({ step }: { step: string }) => step === "run")).toMatchObject([
      { runId: run.id, agentId: "bob", state: "made", cause: "message" },
      { runId: run.id, turnId: run.turnId, state: "began" },
      { turnId: run.turnId, state: "turn ended", outcome: "error", late: false },
      { runId: run.id, state: "ended", outcome: "error", errorCode: "crashed" },
    ]);
  });

  test("its thoughts and tools are left as traces of the message, when the turn is over", async () => {
    const crew = await startCrew();
    const { id: messageId } = (await crew.ask("POST", "/v1/messages", { to: "bob", body: "Hello." }, crew.ada)).body;
    const run = await crew.run(crew.bob, { messageId });
    const said = [
      { stream: "thinking", data: { delta: "Let me " } },
      { stream: "thinking", data: { delta: "look." } },
      { stream: "status", data: { text: "Working" } },
      { stream: "tool", data: { phase: "start", toolCallId: "c1", name: "read", args: { path: "a.ts" } } },
      { stream: "tool", data: { phase: "update", toolCallId: "c1", result: "par" } },
      { stream: "tool", data: { phase: "result", toolCallId: "c1", result: "z".repeat(20_000) } },
      { stream: "assistant", data: { delta: "Done." } },
    ];
    const events = said.map((event, seq) => ({ source: "s", seq, ...event }));
    expect((await crew.does(crew.bob, run, "events", { events }, run)).status).toBe(200);
    await crew.finish(crew.bob, run);
    await crew.pass(0);
    const { items } = (await crew.ask("GET", `/v1/messages/${messageId}/traces?level=3`, undefined, crew.ada)).body;
    expect(items).toMatchObject([
      { level: 2, type: "thinking", agentId: "bob", content: "Let me look.", metadata: { runId: run.id } },
      { level: 3, type: "tool_call", metadata: { runId: run.id, toolCallId: "c1", isError: false } },
    ]);
    expect(items).toHaveLength(2);
    expect(items[1].content).toStartWith('read {"path":"a.ts"}\nzzz');
    await crew.restart();
    expect((await crew.ask("GET", `/v1/messages/${messageId}/traces?level=3`)).body.items).toEqual(items);
  });

  test("watchers see each change of a run whose message they may read; operators see all", async () => {
    const crew = await startCrew();
    const base = listen(crew);
    const all = await openStream(`${base}/v1/messages/stream`, { token: crew.relay.operatorToken });
    const some = await openStream(`${base}/v1/messages/stream`, { token: crew.ada.token });
    await Promise.all([all.first("hello"), some.first("hello")]);
    const { id: messageId } = (await crew.ask("POST", "/v1/messages", { to: "bob", body: "Hello." }, crew.ada)).body;
    const other = await crew.run(crew.cid);
    const run = await crew.run(crew.bob, { messageId });
    await crew.finish(crew.bob, run);
    await some.until((stream) => stream.of("run").length === 2);
    expect(some.of("run").map(({ data }) => [data.id, data.status])).toEqual([
      [run.id, "running"],
      [run.id, "ended"],
    ]);
    await all.until((stream) => stream.of("run").length === 3);
    expect(
      all
        .of("run")
        .map(({ data }) => data.id)
        .sort(),
    ).toEqual([run.id, run.id, other.id].sort());
    for (const stream of [all, some]) stream.close();
  });
});

describe("the age of runs", () => {
  test("ended runs go as a tree; live ones stay, and the messages that they work on", async () => {
    const crew = await startCrew({ retentionDays: 1 });
    const send = async () => (await crew.ask("POST", "/v1/messages", { to: "bob", body: "Hello." }, crew.ada)).body.id;
    const top = await crew.run(crew.bob, { messageId: await send() });
    const child = await crew.take(crew.cid, await crew.run(crew.bob, { agentId: "cid", parentId: top.id }));
    await crew.finish(crew.cid, child, { result: "x".repeat(100_001) });
    const { fileId } = (await crew.see(child)).result;
    await crew.does(crew.bob, top, "renew", { leaseSeconds: 86_400 }, top);
    const over = await crew.finish(crew.bob, await crew.run(crew.bob, { messageId: await send() }));
    await crew.ack(crew.bob);
    const there = async (path: string) => (await crew.ask("GET", path)).status === 200;
    for (let hours = 0; hours < 60; hours += 6) {
      await crew.pass(6 * HOUR);
      await crew.does(crew.bob, top, "renew", { leaseSeconds: 86_400 }, top);
    }
    for (const path of [
      `/v1/runs/${top.id}`,
      `/v1/runs/${child.id}`,
      `/v1/files/${fileId}`,
      `/v1/messages/${top.messageId}`,
    ])
      expect([path, await there(path)]).toEqual([path, true]);
    expect(await there(`/v1/runs/${over.id}`)).toBe(false);
    await crew.finish(crew.bob, top);
    for (let hours = 0; hours < 120; hours += 6) await crew.pass(6 * HOUR);
    for (const path of [
      `/v1/runs/${top.id}`,
      `/v1/runs/${child.id}`,
      `/v1/files/${fileId}`,
      `/v1/messages/${top.messageId}`,
    ])
      expect([path, await there(path)]).toEqual([path, false]);
  });

  test("G11: a run stays while its announcement is blocked", async () => {
    const crew = await startCrew({ retentionDays: 2 });
    const run = await crew.run(undefined, { agentId: "bob", requester: { agentId: "dan" } });
    const taken = await crew.take(crew.bob, run);
    await crew.ask("DELETE", "/v1/agents/dan");
    await crew.finish(crew.bob, taken, { result: "Here." });
    const [made] = (await crew.ask("GET", `/v1/announcements?run=${run.id}`)).body.items;
    expect(made).toMatchObject({ state: "blocked" });
    for (let hours = 0; hours < 40; hours += 5) await crew.pass(5 * HOUR);
    expect(await crew.see(run)).toMatchObject({ result: { text: "Here." } });
  });
});
