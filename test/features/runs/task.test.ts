import { describe, expect, test } from "bun:test";
import { startCrew } from "../../support/runs.ts";

const DAN = { agentId: "dan" };

describe("the task of a run that somebody else asks for", () => {
  test("its agent gets it as a message of the asker, and ends the run by a reply", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.ada, { ...DAN, task: "Read the parser.", label: "Parser" });
    const [task, word, ...more] = await crew.inbox(crew.dan);
    expect(more).toEqual([]);
    expect(task).toMatchObject({
      ...{ kind: "chat", from: "ada", to: "dan", subject: "Parser", body: "Read the parser.", claimable: false },
      ...{ payload: { run: { id: run.id } }, replyTo: null },
    });
    expect(word).toMatchObject({ kind: "control", replyTo: task.id });
    expect(run).toMatchObject({ messageId: task.id, threadId: task.id, sessionKey: `msg:${task.id}`, cause: "chat" });
    await crew.ask("POST", "/v1/messages", { to: "ada", body: "Two things.", replyTo: task.id }, crew.dan);
    expect(await crew.see(run)).toMatchObject({ status: "ended", outcome: "ok", result: { text: "Two things." } });
  });

  test("G11: a reply that tells of progress leaves the run waiting", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.ada, DAN);
    const reply = { to: "ada", body: "Later.", replyTo: run.messageId };
    await crew.ask("POST", "/v1/messages", { ...reply, payload: { progress: true } }, crew.dan);
    expect(await crew.see(run)).toMatchObject({ status: "queued", result: null });
    expect(await crew.inbox(crew.ada)).toMatchObject([{ body: "Later.", threadId: run.messageId }]);
    await crew.ask("POST", "/v1/messages", { ...reply, body: "Two.", payload: { progress: 1 } }, crew.dan);
    expect(await crew.see(run)).toMatchObject({ status: "ended", result: { text: "Two." } });
  });

  test("it needs nothing more of its reader once a runner has taken it, or the run has ended", async () => {
    const crew = await startCrew();
    const settled = async () =>
      (await crew.inbox(crew.dan)).filter(({ kind }) => kind === "chat").map((m) => m.settled);
    const taken = await crew.run(crew.ada, DAN);
    const aborted = await crew.run(crew.ada, DAN);
    expect(await settled()).toEqual([undefined, undefined]);
    await crew.take(crew.dan, taken);
    await crew.does(crew.ada, aborted, "abort");
    expect(await settled()).toEqual([true, true]);
  });

  test("an agent that begins to work on the message takes the run that waits", async () => {
    const crew = await startCrew();
    const run = await crew.run(crew.ada, { ...DAN, task: "Read.", requester: { agentId: "ada" } });
    const begun = await crew.run(crew.dan, { task: "1 message", messageId: run.messageId, cause: "message" });
    expect(begun).toMatchObject({ id: run.id, status: "running", task: "Read." });
    await crew.finish(crew.dan, begun, { result: "Fine." });
    expect((await crew.inbox(crew.ada)).map(({ kind, body }) => [kind, body])).toEqual([["announcement", "Fine."]]);
    const another = await crew.run(crew.dan, { task: "Once more", messageId: run.messageId, cause: "message" });
    expect(another.id).not.toBe(run.id);
  });

  test("an operator begins a run in the name of its agent, and sends no message", async () => {
    const crew = await startCrew();
    expect(await crew.run(undefined, { ...DAN, from: "dan" })).toMatchObject({ status: "running", messageId: null });
    expect(await crew.inbox(crew.dan)).toEqual([]);
    const asked = await crew.run(undefined, DAN);
    expect(await crew.inbox(crew.dan)).toMatchObject([{ from: "user", id: asked.messageId }, { kind: "control" }]);
    expect(await crew.tryRun(crew.ada, { ...DAN, from: "dan" })).toMatchObject({ status: 403 });
  });

  test("G5: a repeat with the same key sends it once", async () => {
    const crew = await startCrew();
    const key = { "idempotency-key": "k1" };
    const first = await crew.tryRun(crew.ada, DAN, key);
    expect(await crew.tryRun(crew.ada, DAN, key)).toMatchObject({ status: 200, body: { id: first.body.id } });
    expect(await crew.inbox(crew.dan)).toHaveLength(2);
  });

  test("a refused run sends nothing", async () => {
    const crew = await startCrew();
    const refused = await crew.tryRun(crew.ada, { ...DAN, requester: { agentId: "dan" } });
    expect(refused.status).toBe(422);
    expect(await crew.inbox(crew.dan)).toEqual([]);
  });

  test("it is carried as it came: encrypted text, and files", async () => {
    const crew = await startCrew();
    const stored = await crew.ask("POST", "/v1/files?name=a.txt", "abc", crew.ada);
    const files = [stored.body.id];
    await crew.run(crew.ada, { ...DAN, task: "c2VjcmV0", encoding: "opaque", files });
    const [task] = await crew.inbox(crew.dan);
    expect(task).toMatchObject({ encoding: "opaque", body: "c2VjcmV0", payload: { files: [{ fileId: files[0] }] } });
  });

  test("a spawned run's task was caused by the message that the run above it works on", async () => {
    const crew = await startCrew();
    const above = await crew.take(crew.dan, await crew.run(crew.ada, DAN));
    await crew.ask("POST", "/v1/messages", { to: "dan", body: "By the way." }, crew.ada);
    const below = await crew.run(crew.dan, { agentId: "bob" }, { "signalbox-run": above.token });
    const [task] = await crew.inbox(crew.bob);
    expect(task).toMatchObject({ id: below.messageId, from: "dan", causedBy: above.messageId, hops: 1 });
    expect(below).toMatchObject({ parentId: above.id, cause: "spawn", requester: { runId: above.id } });
  });
});
