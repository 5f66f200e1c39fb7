import { describe, expect, test } from "bun:test";
import { startOffice } from "../../support/announcements.ts";

const ADA = { requester: { agentId: "ada" } };

describe("the result of a run", () => {
  test("G7: it reaches the agent that asked, as one message in the worker's name, with the facts beside it", async () => {
    const { ada, bob, asked, finish, announced, ofRun } = await startOffice();
    const run = await asked(ada, bob, { ...ADA, task: "Check the parser.", label: "Parser", sessionKey: "main" });
    const usage = { inputTokens: 12, outputTokens: 1000, cacheReadTokens: 7, cacheWriteTokens: 3, costUsd: 0.25 };
    await finish(bob, run, { result: "No regressions.", usage });
    const [message, ...more] = await announced(ada);
    expect(more).toEqual([]);
    expect(message).toMatchObject({
      ...{ kind: "announcement", source: "agent", from: "bob", to: "ada", body: "No regressions.", subject: "Parser" },
      ...{ claimable: false, urgent: false, replyTo: run.messageId, encoding: "plain" },
    });
    const [announcement] = await ofRun(run);
    expect(message.payload).toEqual({
      announcement: {
        ...{ announcementId: announcement.id, runId: run.id, source: "chat", agentId: "bob", sessionKey: "main" },
        ...{ task: "Check the parser.", label: "Parser", status: "ok", statusText: null, late: false },
        ...{ result: { cut: false }, findings: [], findingsLeftOut: 0, instruction: "quiet" },
        stats: { runtimeSeconds: null, inputTokens: 12, outputTokens: 1000, cacheTokens: 10, costUsd: 0.25 },
      },
    });
    expect(announcement).toEqual({
      ...{ id: expect.stringMatching(/^ann_/), runId: run.id, turnId: run.turnId, requester: { agentId: "ada" } },
      ...{ route: { to: "ada", by: "requester" }, state: "sent", reason: null, late: false, messageId: message.id },
      ...{ externalIds: [], createdAt: message.createdAt, endedAt: null },
    });
  });

  test("a long result is not shortened, an empty one says so, and a failed run tells its error", async () => {
    const { ada, bob, asked, does, finish, announced, pass } = await startOffice();
    const long = "word ".repeat(15_000);
    const run = await asked(ada, bob, ADA);
    await pass(90_000);
    await finish(bob, run, { result: long });
    await finish(bob, await asked(ada, bob, ADA), { result: " " });
    const failing = await asked(ada, bob, ADA);
    await does(bob, failing, "finish", { outcome: "error", errorCode: "crashed", error: "exit 1" }, failing);
    const [first, second, third] = await announced(ada);
    expect(first.body).toBe(long);
    expect(first.payload.announcement.stats.runtimeSeconds).toBe(90);
    expect(second.body).toBe("(no output)");
    expect(third.payload.announcement).toMatchObject({ status: "error", statusText: "exit 1" });
    expect(third.body).toBe("(no output)");
  });

  test("a run that nobody asked for announces nothing", async () => {
    const { bob, run, finish, announced, ofRun } = await startOffice();
    const own = await run(bob);
    await finish(bob, own, { result: "Done." });
    expect(await ofRun(own)).toEqual([]);
    expect(await announced("user")).toEqual([]);
  });

  test("a lost run and one that nobody took are announced as failed", async () => {
    const { ada, bob, run, asked, announced, pass } = await startOffice();
    await run(ada, { agentId: "dan", ...ADA });
    const lost = await asked(ada, bob, ADA);
    await pass(121_000);
    expect(await announced(ada)).toMatchObject([
      {
        payload: {
          announcement: { runId: lost.id, status: "error", statusText: expect.stringContaining("not heard") },
        },
      },
    ]);
    await pass(86_400_000);
    expect(await announced(ada)).toHaveLength(2);
  });

  test("a person at the desk gets it, and it is acknowledged when they read it", async () => {
    const { ask, bob, asked, finish, announced, ofRun } = await startOffice();
    const run = await asked(undefined, bob, { requester: { agentId: "user" } });
    await finish(bob, run, { result: "Done." });
    const [message] = await announced("user");
    expect(message).toMatchObject({ from: "bob", body: "Done." });
    expect(await ofRun(run)).toMatchObject([{ state: "sent", route: { to: "user", by: "requester" } }]);
    await ask("POST", `/v1/messages/${message.id}/read`, {});
    expect(await ofRun(run)).toMatchObject([{ state: "acknowledged", messageId: message.id }]);
  });

  test("it is acknowledged when the requester's cursor passes it, and not before", async () => {
    const { ask, ada, bob, asked, finish, ofRun, announced, ackUpTo } = await startOffice();
    const run = await asked(ada, bob, ADA);
    await finish(bob, run, { result: "Done." });
    const [message] = await announced(ada);
    await ask("POST", `/v1/messages/${message.id}/read`, {}, ada);
    await ackUpTo(ada, message.id - 1);
    expect(await ofRun(run)).toMatchObject([{ state: "sent", endedAt: null }]);
    await ackUpTo(ada, message.id);
    expect(await ofRun(run)).toMatchObject([{ state: "acknowledged", endedAt: expect.any(String) }]);
  });

  test("hundreds are acknowledged by one move of the cursor", async () => {
    const { ask, ada, bob, asked, finish, ackUpTo, announced } = await startOffice({ durability: "normal" });
    for (let n = 0; n < 130; n++) await finish(bob, await asked(ada, bob, ADA), { result: "Done." });
    const last = (await announced(ada)).at(-1);
    await ackUpTo(ada, last.id);
    expect((await ask("GET", "/v1/announcements?state=sent")).body.items).toEqual([]);
    expect((await ask("GET", "/v1/announcements?state=acknowledged&limit=500")).body.items).toHaveLength(130);
  });

  test("an encrypted result is carried untouched, and its task is not repeated", async () => {
    const { ada, bob, asked, finish, announced } = await startOffice();
    const run = await asked(ada, bob, { ...ADA, encoding: "opaque", task: "c2VjcmV0" });
    await finish(bob, run, { result: "cmVzdWx0" });
    const [message] = await announced(ada);
    expect(message).toMatchObject({ encoding: "opaque", body: "cmVzdWx0", payload: { announcement: { task: null } } });
  });

  test("files of the result go with it, and its reader may read them", async () => {
    const { ask, relay, ada, bob, asked, finish, announced } = await startOffice();
    const upload = await relay.app.handle(
      new Request("http://localhost/v1/files?name=a.txt", {
        ...{ method: "POST", body: "content" },
        headers: { authorization: `Bearer ${bob.token}`, "content-type": "text/plain" },
      }),
    );
    const { id } = await upload.json();
    await finish(bob, await asked(ada, bob, ADA), { result: "See the file.", files: [id, "fil_gone"] });
    const [message] = await announced(ada);
    expect(message.payload.files).toEqual([{ fileId: id }]);
    expect((await ask("GET", `/v1/files/${id}`, undefined, ada)).body).toBe("content");
  });
});

describe("silence", () => {
  test("a run that has nothing to say sends nothing, by word or by flag", async () => {
    const { ada, bob, asked, finish, announced, ofRun } = await startOffice();
    for (const body of [{ silent: true }, { result: "NO_REPLY" }, { result: " ANNOUNCE_SKIP\n" }]) {
      const run = await asked(ada, bob, ADA);
      await finish(bob, run, body);
      expect(await ofRun(run)).toMatchObject([{ state: "silent", messageId: null, endedAt: expect.any(String) }]);
    }
    expect(await announced(ada)).toEqual([]);
  });

  test("a failed run is never silent", async () => {
    const { ada, bob, asked, does, announced } = await startOffice();
    const run = await asked(ada, bob, ADA);
    await does(bob, run, "finish", { outcome: "error", error: "exit 1", result: "NO_REPLY" }, run);
    expect(await announced(ada)).toMatchObject([{ payload: { announcement: { status: "error" } } }]);
  });

  test("where a result is owed, silence is refused and the run goes on", async () => {
    const { ada, bob, asked, does, see, finish, announced } = await startOffice();
    const run = await asked(ada, bob, { ...ADA, expectsResult: true });
    const refused = await does(bob, run, "finish", { outcome: "ok", result: "NO_REPLY" }, run);
    expect(refused).toMatchObject({ status: 422, body: { code: "required-result" } });
    expect(await see(run)).toMatchObject({ status: "running" });
    await finish(bob, run, { result: "Here." });
    expect(await announced(ada)).toMatchObject([
      { body: "Here.", payload: { announcement: { instruction: "deliver" } } },
    ]);
  });

  test("a run that serves a delegation owes its answer", async () => {
    const { ada, bob, delegate, run, does, finish, responses } = await startOffice();
    const asked = await delegate(ada, "bob");
    const serving = await run(bob, { messageId: asked.messageId });
    for (const body of [{ result: "NO_REPLY" }, { silent: true }]) {
      const refused = await does(bob, serving, "finish", { outcome: "ok", ...body }, serving);
      expect(refused).toMatchObject({ status: 422, body: { code: "required-result" } });
    }
    expect(await responses(ada)).toEqual([]);
    await finish(bob, serving, { result: "Forty-two." });
    expect(await responses(ada)).toHaveLength(1);
  });

  test("a requester that answers an announcement with silence wakes nobody", async () => {
    const { ask, ada, bob, asked, finish, announced, inbox } = await startOffice();
    await finish(bob, await asked(ada, bob, ADA), { result: "Done." });
    const before = (await inbox(bob)).length;
    const [message] = await announced(ada);
    const draft = { to: "bob", replyTo: message.id, body: "NO_REPLY" };
    expect((await ask("POST", "/v1/messages", draft, ada)).status).toBe(201);
    expect(await inbox(bob)).toHaveLength(before);
  });
});

describe("an agent that knows nothing of runs", () => {
  test("its reply to the message of a run is the result, and the one message of it", async () => {
    const { ask, ada, dan, run, ofRun, inbox, ackUpTo } = await startOffice();
    const { body: asked } = await ask("POST", "/v1/messages", { to: "dan", body: "Count the tests." }, ada);
    const one = await run(ada, { agentId: "dan", messageId: asked.id, ...ADA });
    const { body: reply } = await ask("POST", "/v1/messages", { to: "ada", replyTo: asked.id, body: "Nine." }, dan);
    expect(await inbox(ada)).toMatchObject([{ id: reply.id, body: "Nine.", kind: "chat" }]);
    expect(await ofRun(one)).toMatchObject([{ state: "sent", messageId: reply.id, route: { to: "ada" } }]);
    await ackUpTo(ada, reply.id);
    expect(await ofRun(one)).toMatchObject([{ state: "acknowledged" }]);
  });

  test("its reply to the relay's word is the result, and goes on to the requester", async () => {
    const { ask, ada, dan, run, ofRun, inbox, announced } = await startOffice();
    const one = await run(ada, { agentId: "dan", ...ADA });
    const [word] = await inbox(dan);
    await ask("POST", "/v1/messages", { to: "system", replyTo: word.id, body: "Nine." }, dan);
    expect(await announced(ada)).toMatchObject([{ from: "dan", body: "Nine." }]);
    expect(await ofRun(one)).toMatchObject([{ state: "sent" }]);
  });
});

describe("three loops end after one message", () => {
  test("an agent's own run has no requester, even when it names itself", async () => {
    const { bob, run, tryRun, finish, announced } = await startOffice();
    const refused = await tryRun(bob, { requester: { agentId: "bob" } });
    expect(refused).toMatchObject({ status: 422, body: { code: "invalid", errors: [{ pointer: "/requester" }] } });
    await finish(bob, await run(bob), { result: "Done." });
    expect(await announced({ id: "bob", token: "" })).toEqual([]);
  });

  test("a run on an announcement has no requester: its result goes to nobody", async () => {
    const { ask, ada, bob, asked, run, tryRun, finish, announced } = await startOffice();
    await finish(bob, await asked(ada, bob, ADA), { result: "Done." });
    const [message] = await announced(ada);
    const named = await tryRun(ada, { messageId: message.id, requester: { agentId: "bob" } });
    expect(named).toMatchObject({ status: 422, body: { code: "invalid" } });
    await finish(ada, await run(ada, { messageId: message.id }), { result: "Thanks." });
    expect([await announced(ada), await announced(bob), await announced("user")].map((all) => all.length)).toEqual([
      ...[1, 0, 0],
    ]);
    expect((await ask("GET", "/v1/announcements")).body.items).toHaveLength(1);
  });

  test("the result of a run on a delegation is its answer, and nothing beside it", async () => {
    const { ask, ada, bob, delegate, run, finish, responses, announced, inbox } = await startOffice();
    const asked = await delegate(ada, "bob");
    await finish(bob, await run(bob, { messageId: asked.messageId }), { result: "Forty-two." });
    expect(await responses(ada)).toMatchObject([{ body: "Forty-two.", from: "bob" }]);
    expect(await announced(ada)).toEqual([]);
    expect(await inbox(ada)).toHaveLength(1);
    expect((await ask("GET", "/v1/announcements")).body.items).toEqual([]);
  });
});
