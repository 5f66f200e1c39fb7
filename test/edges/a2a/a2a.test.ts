import { describe, expect, test } from "bun:test";
import { Role, TaskState } from "@a2a-js/sdk";
import { asTask, BINDINGS, clientOf, inShort, resultOf, saidAtOnce, saying, startCalling } from "../../support/a2a.ts";
import { startRelay } from "../../support/relay.ts";

const { TASK_STATE_SUBMITTED, TASK_STATE_WORKING, TASK_STATE_COMPLETED, TASK_STATE_FAILED } = TaskState;
const { TASK_STATE_CANCELED, TASK_STATE_INPUT_REQUIRED, TASK_STATE_REJECTED } = TaskState;

/** A relay with `bob`, who answers, and `alice`, who asks over A2A. */
async function startPair() {
  const calling = await startCalling();
  const bob = await calling.agent("bob", {
    ...{ description: "Knows all about tides.", tags: ["secret-tag"], machine: "secret-host", rig: "secret-rig" },
    ...{ skills: [{ name: "tides", description: "When the water comes." }], meta: { key: "secret-meta" } },
  });
  const alice = await calling.agent("alice");
  const { ask } = calling;
  return {
    ...calling,
    ...{ alice, bob },
    url: `${calling.server.url}/a2a/bob/`,
    /** Steps of bob on a task. */
    answer: (id: string, body: unknown) => ask("POST", `/v1/delegations/${id}/response`, body, bob),
    report: (id: string, text: string) => ask("POST", `/v1/delegations/${id}/progress`, { text }, bob),
    async question(id: string, body: string) {
      return ask("POST", `/v1/delegations/${id}/progress`, { text: body, question: true }, bob);
    },
    /** Waits until bob has been asked for something. */
    async asked(): Promise<string> {
      const { body } = await ask("GET", "/v1/agents/bob/inbox?waitSeconds=10", undefined, bob);
      await ask("POST", "/v1/agents/bob/inbox/ack", { upTo: body.next }, bob);
      return body.items[0].payload.delegationId;
    },
  };
}

describe.each(BINDINGS)("a client of A2A over %s", (binding) => {
  test("a client of A2A finds an agent by its URL, asks, and has the answer in the same call", async () => {
    const { url, alice, asked, answer } = await startPair();
    const client = await clientOf(url, binding, alice);
    const sending = client.sendMessage(saying("When is high tide?"));
    await answer(await asked(), { text: "At noon.", payload: { hour: 12 } });
    const task = asTask(await sending);
    expect(task.status?.state).toBe(TASK_STATE_COMPLETED);
    expect(resultOf(task)).toBe("At noon.");
    expect(task.artifacts[0]?.parts[1]?.content).toEqual({ $case: "data", value: { hour: 12 } });
    expect(task.history.map(({ role }) => role)).toEqual([Role.ROLE_USER, Role.ROLE_AGENT]);
  });

  test("a client of A2A does not wait when it says so, and gets, lists and cancels its tasks", async () => {
    const { url, alice, answer } = await startPair();
    const client = await clientOf(url, binding, alice);
    const first = asTask(await client.sendMessage(saidAtOnce("one")));
    const second = asTask(await client.sendMessage(saidAtOnce("two")));
    expect(first.status?.state).toBe(TASK_STATE_SUBMITTED);
    await answer(first.id, { text: "done" });
    const got = await client.getTask({ tenant: "", id: first.id });
    expect([got.status?.state, resultOf(got)]).toEqual([TASK_STATE_COMPLETED, "done"]);
    const cancelled = await client.cancelTask({ tenant: "", id: second.id, metadata: undefined });
    expect(cancelled.status?.state).toBe(TASK_STATE_CANCELED);
    const again = client.cancelTask({ tenant: "", id: first.id, metadata: undefined });
    await expect(again).rejects.toMatchObject({ reason: "TASK_NOT_CANCELABLE" });

    const asking = { tenant: "", contextId: "", pageToken: "", statusTimestampAfter: undefined };
    const all = await client.listTasks({ ...asking, status: 0, pageSize: 1 });
    expect(all.tasks.map(({ id }) => id)).toEqual([second.id]);
    const rest = await client.listTasks({ ...asking, status: 0, pageToken: all.nextPageToken });
    expect(rest.tasks.map(({ id }) => id)).toEqual([first.id]);
    const done = await client.listTasks({ ...asking, status: TASK_STATE_COMPLETED, includeArtifacts: true });
    expect(done.tasks.map(resultOf)).toEqual(["done"]);
  });

  test("a client of A2A follows a stream from the first word to the answer", async () => {
    const { url, alice, asked, answer, report } = await startPair();
    const client = await clientOf(url, binding, alice);
    const seen: string[] = [];
    const following = (async () => {
      for await (const event of client.sendMessageStream(saying("Go"))) seen.push(inShort(event));
    })();
    const id = await asked();
    await report(id, "half way");
    await answer(id, { text: "there" });
    await following;
    expect(seen).toEqual([
      `task ${TASK_STATE_SUBMITTED}`,
      `status ${TASK_STATE_WORKING} half way`,
      "artifact there",
      `status ${TASK_STATE_COMPLETED}`,
    ]);
  });

  test("a client of A2A is asked back, answers, and the task goes on", async () => {
    const { url, alice, bob, ask, asked, answer, question } = await startPair();
    const client = await clientOf(url, binding, alice);
    const sending = client.sendMessage(saying("Deploy it"));
    const id = await asked();
    await question(id, "Which branch?");
    const open = asTask(await sending);
    expect(open.status?.state).toBe(TASK_STATE_INPUT_REQUIRED);
    const reply = saying("main", { taskId: id, contextId: open.contextId });
    const going = client.sendMessage(reply);
    const heard = await ask("GET", "/v1/agents/bob/inbox?waitSeconds=10", undefined, bob);
    expect(heard.body.items.at(-1)).toMatchObject({ from: "alice", body: "main" });
    await answer(id, { text: "deployed main" });
    const gone = asTask(await going);
    expect(resultOf(gone)).toBe("deployed main");
    // The same words once more, because their answer was lost: nobody hears them twice.
    const again = asTask(await client.sendMessage(reply));
    expect(again.history.length).toBe(gone.history.length);
    const late = client.sendMessage(saying("and more", { taskId: id }));
    await expect(late).rejects.toMatchObject({ reason: "UNSUPPORTED_OPERATION" });
  });

  test("a client of A2A learns what failed, and what was not even tried", async () => {
    const { url, alice, answer } = await startPair();
    const client = await clientOf(url, binding, alice);
    const failing = asTask(await client.sendMessage(saidAtOnce("one")));
    const refusing = asTask(await client.sendMessage(saidAtOnce("two")));
    await answer(failing.id, { error: "no power" });
    await answer(refusing.id, { error: "not my job", payload: { rejected: true } });
    const failed = await client.getTask({ tenant: "", id: failing.id });
    expect(failed.status?.state).toBe(TASK_STATE_FAILED);
    expect(failed.status?.message?.parts[0]?.content?.value).toBe("no power");
    const refused = await client.getTask({ tenant: "", id: refusing.id });
    expect(refused.status?.state).toBe(TASK_STATE_REJECTED);
  });

  test("G5: the same message sent twice over A2A is one task; in the same context it is another", async () => {
    const { url, alice } = await startPair();
    const client = await clientOf(url, binding, alice);
    const said = saidAtOnce("once");
    const task = asTask(await client.sendMessage(said));
    expect(asTask(await client.sendMessage(said)).id).toBe(task.id);
    const next = asTask(await client.sendMessage(saidAtOnce("more", { contextId: task.contextId })));
    expect(next.id).not.toBe(task.id);
    expect(next.contextId).toBe(task.contextId);
  });

  test("a client of A2A has names of its own for contexts, which mean nothing to others", async () => {
    const { url, alice, agent } = await startPair();
    const client = await clientOf(url, binding, alice);
    const said = saidAtOnce("one", { contextId: "my-context" });
    const first = asTask(await client.sendMessage(said));
    expect(first.contextId).toBe("my-context");
    expect(asTask(await client.sendMessage(said)).id).toBe(first.id);
    const second = asTask(await client.sendMessage(saidAtOnce("two", { contextId: "my-context" })));
    expect(second.contextId).toBe("my-context");
    const asking = { tenant: "", contextId: "my-context", pageToken: "", statusTimestampAfter: undefined };
    expect((await client.listTasks({ ...asking, status: 0 })).tasks.map(({ id }) => id)).toEqual([second.id, first.id]);
    const eve = await clientOf(url, binding, await agent("eve"));
    const hers = asTask(await eve.sendMessage(saidAtOnce("three", { contextId: "my-context" })));
    expect(hers.metadata?.signalbox.messageId).not.toBe(first.metadata?.signalbox.messageId);
    expect((await eve.listTasks({ ...asking, status: 0 })).tasks.map(({ id }) => id)).toEqual([hers.id]);
    const notHers = eve.sendMessage(saidAtOnce("x", { contextId: `thr_${first.metadata?.signalbox.messageId}` }));
    await expect(notHers).rejects.toThrow();
  });

  test("G10: somebody else's A2A task is not found, and a wrong token finds nothing", async () => {
    const { url, alice, agent } = await startPair();
    const client = await clientOf(url, binding, alice);
    const task = asTask(await client.sendMessage(saidAtOnce("mine")));
    const eve = await clientOf(url, binding, await agent("eve"));
    const missing = { reason: "TASK_NOT_FOUND" };
    await expect(eve.getTask({ tenant: "", id: task.id })).rejects.toMatchObject(missing);
    await expect(eve.cancelTask({ tenant: "", id: task.id, metadata: undefined })).rejects.toMatchObject(missing);
    await expect(eve.sendMessage(saying("x", { taskId: task.id }))).rejects.toMatchObject(missing);
    const watching = eve.resubscribeTask({ tenant: "", id: task.id }).next();
    await expect(watching).rejects.toThrow();
    const asking = { tenant: "", contextId: "", pageToken: "", statusTimestampAfter: undefined };
    expect((await eve.listTasks({ ...asking, status: 0 })).tasks).toEqual([]);
    for (const token of [undefined, "sbx_unknown"]) {
      const stranger = await clientOf(url, binding, token);
      await expect(stranger.sendMessage(saying("x"))).rejects.toThrow(/token/i);
    }
    const missingToo = client.getTask({ tenant: "", id: "dlg_nothing" });
    await expect(missingToo).rejects.toMatchObject(missing);
  });

  test("a client of A2A reaches any agent, and a group, by the relay's own card", async () => {
    const { server, agent, ask, alice } = await startPair();
    const carol = await agent("carol", { tags: ["review"] });
    const client = await clientOf(server.url, binding, alice);
    const sent = asTask(await client.sendMessage({ ...saidAtOnce("Look at it"), tenant: "tag:review" }));
    const claimed = await ask("POST", "/v1/agents/carol/claims", {}, carol);
    const [{ message, claim }] = claimed.body.items;
    const working = await client.getTask({ tenant: "tag:review", id: sent.id });
    expect(working.status?.state).toBe(TASK_STATE_WORKING);
    await ask("POST", `/v1/messages/${message.id}/complete`, { token: claim.token, result: "fine" }, carol);
    const done = await client.getTask({ tenant: "carol", id: sent.id });
    expect(resultOf(done)).toBe("fine");
    await expect(client.getTask({ tenant: "bob", id: sent.id })).rejects.toMatchObject({ reason: "TASK_NOT_FOUND" });
    const extended = await client.getAgentCard();
    expect(extended.skills.map(({ id }) => id)).toEqual(["route", "alice", "bob", "carol"]);
  });
});

describe("A2A", () => {
  test("an A2A card says what an agent says of itself, and nothing of where and how it runs", async () => {
    const { ask, agent } = await startRelay();
    await agent("bob", {
      ...{ description: "Knows all about tides.", tags: ["secret-tag"], machine: "secret-host", rig: "secret-rig" },
      ...{ skills: [{ name: "tides", description: "When the water comes." }], meta: { key: "secret-meta" } },
    });
    const { status, headers, body } = await ask("GET", "/a2a/bob/.well-known/agent-card.json");
    expect(status).toBe(200);
    expect(JSON.stringify(body)).not.toContain("secret");
    expect(body).toMatchObject({
      name: "bob",
      description: "Knows all about tides.",
      supportedInterfaces: [
        { url: "http://localhost/a2a/bob", protocolBinding: "JSONRPC", protocolVersion: "1.0" },
        { url: "http://localhost/a2a/bob", protocolBinding: "HTTP+JSON", protocolVersion: "1.0" },
      ],
      skills: [{ name: "tides" }],
    });
    expect(headers.get("cache-control")).toBe("public, max-age=60");
    const etag = headers.get("etag") ?? "";
    const again = await ask("GET", "/a2a/bob/.well-known/agent-card.json", undefined, {
      headers: { "if-none-match": etag },
    });
    expect(again.status).toBe(304);
    await ask("PATCH", "/v1/agents/bob", { description: "Knows more now." });
    const changed = await ask("GET", "/a2a/bob/.well-known/agent-card.json");
    expect(changed.headers.get("etag")).not.toBe(etag);
  });

  test("people, machines and strangers have no A2A card; the relay's names nobody", async () => {
    const { ask, agent } = await startRelay();
    await agent("bob");
    for (const id of ["user", "system", "nobody"])
      expect((await ask("GET", `/a2a/${id}/.well-known/agent-card.json`)).status).toBe(404);
    const { body } = await ask("GET", "/.well-known/agent-card.json");
    expect(JSON.stringify(body)).not.toContain("bob");
    expect(body.supportedInterfaces[0].url).toBe("http://localhost/a2a");
  });

  test("other versions of A2A are refused, with what is supported", async () => {
    const { ask, agent } = await startRelay();
    await agent("bob");
    const rpc = { jsonrpc: "2.0", id: 7, method: "GetTask", params: { id: "dlg_x" } };
    for (const headers of [{}, { "a2a-version": "0.3" }, { "a2a-version": "2.0" }] as Record<string, string>[]) {
      const spoken = await ask("POST", "/a2a/bob", rpc, { headers });
      expect(spoken.body).toMatchObject({ id: 7, error: { code: -32009, message: expect.stringContaining("1.0") } });
      const rest = await ask("GET", "/a2a/bob/tasks/dlg_x", undefined, { headers });
      expect(rest.status).toBe(400);
      expect(rest.body.error.details[0].reason).toBe("VERSION_NOT_SUPPORTED");
    }
    const byQuery = await ask("GET", "/a2a/bob/tasks/dlg_x?A2A-Version=1.0");
    expect(byQuery.body.error.details[0].reason).toBe("TASK_NOT_FOUND");
  });

  test("too many requests over A2A are 429 in both bindings, and a superseded instance is told so", async () => {
    const { ask, agent } = await startRelay({ rateLimit: 10 });
    await agent("bob");
    const alice = await agent("alice", { instanceId: "alice-1" });
    await ask("PUT", "/v1/agents/alice", { name: "alice", instanceId: "alice-2" });
    const headers = { "a2a-version": "1.0" };
    const rpc = { jsonrpc: "2.0", id: 7, method: "GetTask", params: { id: "dlg_x" } };
    const old = await ask("GET", "/a2a/bob/tasks", undefined, { ...alice, headers, instance: "alice-1" });
    expect([old.status, old.body.error.details[0].reason]).toEqual([409, "SUPERSEDED"]);
    for (let i = 0; i < 9; i++) await ask("POST", "/a2a/bob", rpc, { ...alice, headers });
    const spoken = await ask("POST", "/a2a/bob", rpc, { ...alice, headers });
    expect([spoken.status, spoken.body.error.data[0].reason]).toEqual([429, "RATE_LIMITED"]);
    expect(spoken.headers.get("retry-after")).not.toBeNull();
    const rest = await ask("GET", "/a2a/bob/tasks", undefined, { ...alice, headers });
    expect([rest.status, rest.body.error.status]).toEqual([429, "RESOURCE_EXHAUSTED"]);
    expect(rest.headers.get("x-request-id")).not.toBeNull();
  });

  test("a patch of the version of A2A is no other version, and null is as left out", async () => {
    const { ask, agent } = await startRelay();
    await agent("bob");
    const alice = await agent("alice");
    const message = {
      ...{ messageId: "m1", contextId: null, taskId: null, role: "ROLE_USER", parts: [{ text: "Go", filename: null }] },
      metadata: { signalbox: { timeoutSeconds: null, parentId: null, context: null } },
      ...{ extensions: null, referenceTaskIds: null },
    };
    const nothing = { acceptedOutputModes: null, historyLength: null, taskPushNotificationConfig: null };
    const configuration = { ...nothing, returnImmediately: true };
    for (const version of ["1.0", "1.0.0", "1.0.1", "1.0.27"]) {
      const headers = { "a2a-version": version };
      const params = { message, configuration, metadata: null, tenant: null };
      const rest = await ask("POST", "/a2a/bob/message:send", params, { ...alice, headers });
      expect([version, rest.status]).toEqual([version, 200]);
      const rpc = { jsonrpc: "2.0", id: 1, method: "SendMessage", params };
      expect((await ask("POST", "/a2a/bob", rpc, { ...alice, headers })).body.result.task.id).toBe(rest.body.task.id);
      const get = { jsonrpc: "2.0", id: 1, method: "GetTask", params: { id: rest.body.task.id, historyLength: null } };
      expect((await ask("POST", "/a2a/bob", get, { ...alice, headers })).body.result.id).toBe(rest.body.task.id);
    }
    for (const version of ["1.1", "1.1.0", "2.0", "1", "1.0.1.1", "1.0.x"]) {
      const sent = await ask(
        "POST",
        "/a2a/bob/message:send",
        { message },
        { ...alice, headers: { "a2a-version": version } },
      );
      expect([version, sent.status]).toEqual([version, 400]);
    }
  });

  test("an A2A messageId that is used again for other content is refused in the protocol's words", async () => {
    const { ask, agent } = await startRelay();
    const bob = await agent("bob");
    const alice = await agent("alice");
    const headers = { "a2a-version": "1.0" };
    const send = (text: string, more: object = {}, messageId = "m1") => {
      const message = { messageId, role: "ROLE_USER", parts: [{ text }], ...more };
      const body = { message, configuration: { returnImmediately: true } };
      return ask("POST", "/a2a/bob/message:send", body, { ...alice, headers });
    };
    const { id: taskId } = (await send("Go")).body.task;
    await ask("POST", `/v1/delegations/${taskId}/progress`, { text: "?" }, bob);
    expect((await send("More", { taskId }, "m2")).status).toBe(200);
    for (const [text, more, messageId] of [
      ["Stay", {}, "m1"],
      ["Go", { taskId }, "m1"],
      ["Else", { taskId }, "m2"],
      ["More", {}, "m2"],
    ] as const) {
      const sent = await send(text, more, messageId);
      expect(sent.status).toBe(400);
      expect(sent.body.error.message).toContain(`Message ${messageId} was sent before`);
      expect(sent.body.error.message).toContain("use a new messageId");
      expect(JSON.stringify(sent.body)).not.toContain("a2a:m");
    }
    expect((await send("More", { taskId }, "m2")).body.task.id).toBe(taskId);
    expect((await ask("GET", "/v1/messages?from=alice&to=bob")).body.items).toHaveLength(2);
  });

  test("G10: an A2A token that acts for nobody asks for nothing, and sees what its role sees", async () => {
    const { ask, agent } = await startRelay();
    await agent("bob");
    const alice = await agent("alice");
    const headers = { "a2a-version": "1.0" };
    const message = { messageId: "m1", role: "ROLE_USER", parts: [{ text: "Go" }] };
    const configuration = { returnImmediately: true };
    const sent = await ask("POST", "/a2a/bob/message:send", { message, configuration }, { ...alice, headers });
    const { id } = sent.body.task;
    for (const [role, more, looks] of [
      ["viewer", {}, 200],
      ["enroll", { prefix: "new-" }, 404],
      ["integration", { source: "ci" }, 404],
    ] as const) {
      const { token } = (await ask("POST", "/v1/tokens", { role, ...more })).body;
      const how = { token, headers };
      expect((await ask("POST", "/a2a/bob/message:send", { message, configuration }, how)).status, role).toBe(403);
      expect((await ask("GET", `/a2a/bob/tasks/${id}`, undefined, how)).status, role).toBe(looks);
      expect((await ask("POST", `/a2a/bob/tasks/${id}:cancel`, {}, how)).status, role).toBe(404);
      const push = await ask(
        "POST",
        `/a2a/bob/tasks/${id}/pushNotificationConfigs`,
        { url: "http://127.0.0.1:9/" },
        how,
      );
      expect(push.status, role).toBeGreaterThanOrEqual(400);
      const rpc = { jsonrpc: "2.0", id: 1, method: "SendMessage", params: { message, configuration } };
      const spoken = await ask("POST", "/a2a/bob", rpc, how);
      expect([spoken.status, spoken.body.error.data[0].reason], role).toEqual([403, "FORBIDDEN"]);
    }
    // The worker sees it too: it is its own task.
    const bob = (await ask("POST", "/v1/tokens", { role: "agent", agentId: "bob" })).body;
    expect((await ask("GET", `/a2a/bob/tasks/${id}`, undefined, { token: bob.token, headers })).status).toBe(200);
    expect((await ask("POST", `/a2a/bob/tasks/${id}:cancel`, {})).status).toBe(400);
    expect((await ask("POST", `/a2a/bob/tasks/${id}:cancel`, {}, { headers })).status).toBe(200);
  });
});
