import { describe, expect, test } from "bun:test";
import { openChat, startOffice } from "../../support/announcements.ts";

async function world() {
  const office = await startOffice();
  const chat = await openChat(office, "telegram:main");
  /** A run of bob on an event, for the chat that it came from. */
  async function started(event: Record<string, unknown> = {}, fields: Record<string, unknown> = {}) {
    const message = await chat.event(event);
    const requester = { conversation: message.payload.conversation };
    const run = await office.run(office.bob, { messageId: message.id, requester, ...fields });
    return { message, run };
  }
  return { ...office, chat, started };
}

const conversation = (conversationId: string, threadId?: string, channelId = "telegram:main") => ({
  ...{ channelId, conversationId },
  ...(threadId && { threadId }),
});

describe("a result for a chat", () => {
  test("it is posted in the chat as a reply, and acknowledged with the platform's ids", async () => {
    const { bob, chat, started, finish, ofRun } = await world();
    const { message, run } = await started({ conversationId: "c1", threadId: "t1" });
    await finish(bob, run, { result: "It is up." });
    const [held, ...more] = await chat.claim();
    expect(more).toEqual([]);
    expect(held?.message).toMatchObject({
      ...{ kind: "announcement", from: "bob", to: chat.id, claimable: true, replyTo: message.id },
      payload: { text: "It is up.", conversation: conversation("c1", "t1"), announcement: { runId: run.id } },
    });
    expect(held?.message.payload.replyToExternalId).toBe(message.payload.externalId);
    const route = { to: chat.id, conversation: conversation("c1", "t1"), by: "binding" };
    expect(await ofRun(run)).toMatchObject([{ state: "sent", route }]);
    if (held) await chat.end(held, "complete", { externalIds: ["m-1", "m-2"] });
    expect(await ofRun(run)).toMatchObject([{ state: "acknowledged", externalIds: ["m-1", "m-2"], reason: null }]);
  });

  test("a file that the runner named and the relay does not have is said in the post", async () => {
    const { bob, chat, started, finish } = await world();
    const { run } = await started();
    await finish(bob, run, { result: "See the plan.", files: ["fil_none"] });
    expect((await chat.claim())[0]?.message.payload).toMatchObject({
      text: "See the plan.\n\n[missing file: fil_none]",
    });
  });

  test("a chat with or without its thread finds the runs that it asked for, and their announcements", async () => {
    const { bob, ask, started, finish } = await world();
    const { run } = await started({ conversationId: "c1", threadId: "t1" });
    await started({ conversationId: "c10" }, { sessionKey: "other" });
    await finish(bob, run);
    for (const chat of ["telegram:main/c1", "telegram:main/c1/t1"])
      for (const list of ["runs", "announcements"]) {
        const { body } = await ask("GET", `/v1/${list}?requester=${encodeURIComponent(chat)}`);
        expect(body.items).toMatchObject([list === "runs" ? { id: run.id } : { runId: run.id }]);
      }
  });

  test("the adapter's cursor acknowledges nothing: a post is not posted by being read", async () => {
    const { ask, bob, chat, started, finish, ofRun } = await world();
    const { run } = await started();
    await finish(bob, run, { result: "It is up." });
    const { messageId } = (await ofRun(run))[0];
    await ask("POST", `/v1/agents/${chat.id}/inbox/ack`, { upTo: messageId }, chat.adapter);
    expect(await ofRun(run)).toMatchObject([{ state: "sent" }]);
  });

  test("an agent that answers the event itself has given the result: one post, which is acknowledged", async () => {
    const { ask, bob, chat, run, ofRun } = await world();
    const message = await chat.event();
    const requester = { conversation: message.payload.conversation };
    const one = await run(undefined, { agentId: "bob", messageId: message.id, requester });
    await ask("POST", "/v1/messages", { to: chat.id, replyTo: message.id, body: "It is up." }, bob);
    const [held, ...more] = await chat.claim();
    expect(more).toEqual([]);
    expect(await ofRun(one)).toMatchObject([{ state: "sent", messageId: held?.message.id }]);
    if (held) await chat.end(held, "complete", { externalIds: ["m-1"] });
    expect(await ofRun(one)).toMatchObject([{ state: "acknowledged", externalIds: ["m-1"] }]);
    expect(await chat.claim()).toEqual([]);
  });

  test("a failed run tells the person what failed", async () => {
    const { bob, chat, started, does } = await world();
    const { run } = await started({}, { label: "Deploy" });
    await does(bob, run, "finish", { outcome: "error", error: "exit 1", result: "Step 3." }, run);
    expect((await chat.claim())[0]?.message.payload.text).toBe("Deploy failed: exit 1\n\nStep 3.");
  });

  test("results for one chat keep their order, and wait for each other", async () => {
    const { bob, chat, started, finish } = await world();
    for (const result of ["One.", "Two."]) await finish(bob, (await started()).run, { result });
    const [first, ...none] = await chat.claim();
    expect([first?.message.payload.text, none.length]).toEqual(["One.", 0]);
    if (first) await chat.end(first, "complete", { externalIds: ["1"] });
    expect((await chat.claim()).map(({ message }) => message.payload.text)).toEqual(["Two."]);
  });

  test("silence posts nothing", async () => {
    const { bob, chat, started, finish, ofRun } = await world();
    const { run } = await started();
    await finish(bob, run, { result: "NO_REPLY" });
    expect(await chat.claim()).toEqual([]);
    expect(await ofRun(run)).toMatchObject([{ state: "silent" }]);
  });

  test("typed failures block it with their reason, and user is told once", async () => {
    const { inbox, ask, bob, chat, started, finish, ofRun } = await world();
    const failures = [
      [{ failure: "permanent", code: "chat-not-found", error: "no chat" }, "permanent:chat-not-found"],
      [{ failure: "ambiguous", code: "timeout", error: "no answer" }, "ambiguous"],
      [{ failure: "permanent", code: "x. Obey [me]", error: "no" }, "permanent:failed"],
    ] as const;
    for (const [body, reason] of failures) {
      const { run } = await started();
      await finish(bob, run, { result: "It is up." });
      const [held] = await chat.claim();
      if (held) await chat.end(held, "fail", body);
      expect(await ofRun(run)).toMatchObject([{ state: "blocked", reason, endedAt: null }]);
    }
    const told = (await ask("GET", "/v1/messages?to=user&topic=announcements")).body.items;
    expect(told.map(({ payload }: { payload: { reason: string } }) => payload.reason).sort()).toEqual([
      ...["ambiguous", "permanent:chat-not-found", "permanent:failed"],
    ]);
    // Its author has ended: it hears nothing of its dead letter.
    expect((await inbox(bob)).filter(({ from, kind }) => from === "system" && kind === "system")).toEqual([]);
  });

  test("a transient failure is tried again by the post itself, until its attempts are used up", async () => {
    const { bob, chat, started, finish, ofRun, pass } = await world();
    const { run } = await started();
    await finish(bob, run, { result: "It is up." });
    for (let attempt = 1; attempt <= 12; attempt++) {
      expect(await ofRun(run)).toMatchObject([{ state: "sent" }]);
      const [held] = await chat.claim();
      if (held) await chat.end(held, "fail", { failure: "transient", code: "flood", error: "slow down" });
      await pass(1000);
    }
    expect(await ofRun(run)).toMatchObject([{ state: "blocked", reason: "permanent:flood" }]);
  });

  test("an adapter that dies in the middle leaves it ambiguous, never posted twice by us", async () => {
    const { bob, chat, started, finish, ofRun, pass } = await world();
    const { run } = await started();
    await finish(bob, run, { result: "It is up." });
    for (let attempt = 1; attempt <= 12; attempt++) {
      await chat.claim();
      await pass(601_000);
    }
    expect(await ofRun(run)).toMatchObject([{ state: "blocked", reason: "ambiguous" }]);
    await pass(3_600_000);
    expect(await chat.claim()).toEqual([]);
  });

  test("retry looks up the way anew and posts once more; the dead letter does not come back", async () => {
    const { ask, bob, chat, started, finish, ofRun, handle } = await world();
    const { run } = await started();
    await finish(bob, run, { result: "It is up." });
    const [held] = await chat.claim();
    if (held) await chat.end(held, "fail", { failure: "permanent", code: "forbidden", error: "no" });
    const [blocked] = await ofRun(run);
    expect(await handle("retry", blocked, bob)).toMatchObject({ status: 403 });
    expect(await handle("retry", blocked)).toMatchObject({ status: 200, body: { state: "sent", reason: null } });
    expect((await ask("GET", `/v1/messages/${blocked.messageId}`)).body.state).toBe("cancelled");
    const [again, ...none] = await chat.claim();
    expect(none).toEqual([]);
    if (again) await chat.end(again, "complete", { externalIds: ["m-9"] });
    expect(await ofRun(run)).toMatchObject([{ id: blocked.id, state: "acknowledged", externalIds: ["m-9"] }]);
    expect(await handle("retry", blocked)).toMatchObject({ status: 409, body: { code: "not-open" } });
  });

  test("a dead letter that an operator requeues is on its way again", async () => {
    const { ask, bob, chat, started, finish, ofRun } = await world();
    const { run } = await started();
    await finish(bob, run, { result: "It is up." });
    const [held] = await chat.claim();
    if (held) await chat.end(held, "fail", { failure: "permanent", code: "forbidden", error: "no" });
    await ask("POST", `/v1/messages/${held?.message.id}/requeue`);
    expect(await ofRun(run)).toMatchObject([{ state: "sent", reason: null }]);
    const [again] = await chat.claim();
    if (again) await chat.end(again, "complete", { externalIds: ["m-1"] });
    expect(await ofRun(run)).toMatchObject([{ state: "acknowledged" }]);
  });

  test("a dismissed one, and one whose post an operator cancels, are not posted", async () => {
    const { ask, bob, chat, started, finish, ofRun, handle } = await world();
    const first = (await started()).run;
    await finish(bob, first, { result: "It is up." });
    await handle("dismiss", (await ofRun(first))[0]);
    const second = (await started()).run;
    await finish(bob, second, { result: "It is up." });
    await ask("POST", `/v1/messages/${(await ofRun(second))[0].messageId}/cancel`);
    expect(await chat.claim()).toEqual([]);
    expect(await ofRun(first)).toMatchObject([{ state: "dismissed", reason: "by user" }]);
    expect(await ofRun(second)).toMatchObject([{ state: "dismissed", reason: "cancelled" }]);
  });
});

describe("the way to a chat", () => {
  test("an explicit deliverTo beats everything, and its thread and account are its own", async () => {
    const office = await world();
    const other = await openChat(office, "slack:team");
    const deliverTo = conversation("C9", "9.9", "slack:team");
    const { run } = await office.started({ threadId: "t1" }, { deliverTo });
    await office.finish(office.bob, run, { result: "Done." });
    expect(await office.chat.claim()).toEqual([]);
    const [held] = await other.claim();
    expect(held?.message).toMatchObject({ replyTo: null, payload: { conversation: deliverTo } });
    expect(held?.message.payload).not.toHaveProperty("replyToExternalId");
    expect(await office.ofRun(run)).toMatchObject([{ route: { by: "deliverTo", conversation: deliverTo } }]);
  });

  test("a requester that is the channel itself means the chat of the event", async () => {
    const { bob, chat, run, finish, ofRun } = await world();
    const message = await chat.event({ threadId: "t1" });
    const one = await run(bob, { messageId: message.id, requester: { agentId: chat.id } });
    await finish(bob, one, { result: "Done." });
    expect(await ofRun(one)).toMatchObject([{ state: "sent", route: { conversation: conversation("c1", "t1") } }]);
    expect(await chat.claim()).toHaveLength(1);
  });

  test("a deliverTo whose channel is gone leaves the requester", async () => {
    const { bob, started, finish, ofRun } = await world();
    const { run } = await started({}, { deliverTo: conversation("C9", undefined, "slack:gone") });
    await finish(bob, run, { result: "Done." });
    expect(await ofRun(run)).toMatchObject([{ state: "sent", route: { to: "telegram:main" } }]);
  });

  test("a list by chat holds those of the chat, and of its threads", async () => {
    const { ask, bob, started, finish } = await world();
    const runs = [];
    for (const event of [{}, { threadId: "t1" }, { conversationId: "c12" }]) {
      const { run } = await started(event);
      await finish(bob, run, { result: "Done." });
      runs.push(run.id);
    }
    const of = async (requester: string) =>
      (await ask("GET", `/v1/announcements?requester=${requester}`)).body.items.map(
        ({ runId }: { runId: string }) => runId,
      );
    expect((await of("telegram:main/c1")).sort()).toEqual(runs.slice(0, 2).sort());
    expect(await of("telegram:main/c1/t1")).toEqual([runs[1]]);
    expect(await of("telegram:main")).toHaveLength(3);
  });

  test("without a binding it goes to the chat that was named", async () => {
    const { ask, bob, chat, started, finish, ofRun } = await world();
    const { run } = await started();
    const { items } = (await ask("GET", `/v1/channels/${chat.id}/bindings`)).body;
    for (const { id } of items) await ask("DELETE", `/v1/channels/${chat.id}/bindings/${id}`);
    await finish(bob, run, { result: "Done." });
    expect(await ofRun(run)).toMatchObject([{ route: { by: "requester", conversation: conversation("c1") } }]);
    expect(await chat.claim()).toHaveLength(1);
  });

  test("the chat's thread is taken where none was named, and a named one is kept", async () => {
    const { bob, asked, chat, finish, ofRun } = await world();
    const message = await chat.event({ threadId: "t1" });
    for (const [named, expected] of [
      [undefined, "t1"],
      ["t2", "t2"],
    ] as const) {
      const requester = { conversation: conversation("c1", named) };
      const run = await asked(undefined, bob, { messageId: message.id, requester });
      await finish(bob, run, { result: "Done." });
      expect((await ofRun(run))[0].route.conversation.threadId).toBe(expected);
    }
  });

  test("when its channel is gone: the origin, else the newest chat of the worker", async () => {
    const office = await world();
    const { ask, bob, finish, ofRun, started } = office;
    const other = await openChat(office, "slack:team");
    await other.event({ conversationId: "C7" });
    const withOrigin = await started({}, { origin: conversation("C1", undefined, "slack:team") });
    const without = await started();
    await ask("DELETE", "/v1/agents/telegram:main");
    await finish(bob, withOrigin.run, { result: "One." });
    expect(await ofRun(withOrigin.run)).toMatchObject([{ route: { by: "origin", to: "slack:team" } }]);
    await finish(bob, without.run, { result: "Two." });
    const recent = conversation("C7", undefined, "slack:team");
    expect(await ofRun(without.run)).toMatchObject([{ route: { by: "recent", conversation: recent } }]);
    expect((await other.claim()).map(({ message }) => message.payload.text).sort()).toEqual(["One.", "Two."]);
  });

  test("a channel that is deleted while the post waits hands it on", async () => {
    const { ask, bob, started, finish, ofRun, announced } = await world();
    const { run } = await started();
    await finish(bob, run, { result: "Done." });
    await ask("DELETE", "/v1/agents/telegram:main");
    expect(await ofRun(run)).toMatchObject([{ state: "sent", route: { to: "user", by: "user" } }]);
    expect(await announced("user")).toMatchObject([{ body: "Done." }]);
  });

  test("a chat that moved to another id gets it there", async () => {
    const { ask, bob, chat, started, finish } = await world();
    const { run } = await started();
    const moved = {
      type: "moved",
      conversationId: "c1",
      movedTo: "c2",
      externalId: "mv",
      sender: { id: "9", name: "Ada" },
    };
    expect((await ask("POST", `/v1/channels/${chat.id}/events`, moved, chat.adapter)).status).toBeLessThan(300);
    await finish(bob, run, { result: "Done." });
    expect((await chat.claim())[0]?.message.payload.conversation).toEqual(conversation("c2"));
  });
});
