import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { asTask, BINDINGS, clientOf, saidAtOnce, startCalling } from "../../support/a2a.ts";
import { atEnd } from "../../support/ending.ts";
import { startRelay } from "../../support/relay.ts";

const version = { "a2a-version": "1.0" };
const SECRET = "push-secret-token";

interface Told {
  statusUpdate: { status: { state: string } };
  artifactUpdate?: { artifact: { parts: { text: string }[] } };
}

/** Somebody's address that takes notifications. */
function startReceiver() {
  const receiver = {
    url: "",
    status: 200,
    /** Content of each, in short. */
    told: [] as string[],
    headers: [] as Record<string, string>[],
  };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { statusUpdate, artifactUpdate } = (await request.json()) as Told;
      receiver.headers.push(Object.fromEntries(request.headers));
      if (receiver.status === 200)
        receiver.told.push(
          artifactUpdate ? `artifact ${artifactUpdate.artifact.parts[0]?.text}` : statusUpdate.status.state.slice(11),
        );
      return new Response(null, { status: receiver.status });
    },
  });
  receiver.url = `http://127.0.0.1:${server.port}/hook`;
  atEnd(async () => server.stop(true));
  return receiver;
}

/** A relay with `bob`, whom `alice` has asked for something over A2A, and who wants to be told of it. */
async function startTold(config: Record<string, unknown> = {}) {
  const relay = await startRelay();
  const receiver = startReceiver();
  const bob = await relay.agent("bob");
  const alice = await relay.agent("alice");
  const message = { messageId: "m1", role: "ROLE_USER", parts: [{ text: "Go" }] };
  const configuration = {
    returnImmediately: true,
    taskPushNotificationConfig: { url: receiver.url, token: SECRET, ...config },
  };
  const sent = await relay.ask(
    "POST",
    "/a2a/bob/message:send",
    { message, configuration },
    { ...alice, headers: version },
  );
  const { id } = sent.body.task;
  const by = (path: string, body: unknown) => relay.ask("POST", `/v1/delegations/${id}/${path}`, body, bob);
  return {
    ...{ ...relay, receiver, bob, alice, id },
    report: (text: string) => by("progress", { text }),
    answer: (text: string) => by("response", { text }),
    inbox: async () => (await relay.ask("GET", "/v1/agents/alice/inbox", undefined, alice)).body.items,
  };
}

describe("push notifications of A2A", () => {
  test.each(BINDINGS)(
    "push notifications of A2A are set, shown without their secrets, listed and taken away over %s",
    async (binding) => {
      const { server, agent } = await startCalling({ env: { SIGNALBOX_EGRESS_PRIVATE: "127.0.0.1" } });
      await agent("bob");
      const client = await clientOf(`${server.url}/a2a/bob/`, binding, await agent("alice"));
      const { id: taskId } = asTask(await client.sendMessage(saidAtOnce("Go")));
      const config = { tenant: "", taskId, url: "http://127.0.0.1:9/", token: SECRET, authentication: undefined };
      const made = await client.createTaskPushNotificationConfig({ ...config, id: "mine" });
      expect(made).toMatchObject({ id: "mine", taskId, url: "http://127.0.0.1:9/", token: "" });
      const named = await client.createTaskPushNotificationConfig({ ...config, id: "" });
      expect(named.id).toStartWith("pnc_");
      expect((await client.getTaskPushNotificationConfig({ tenant: "", taskId, id: "mine" })).url).toBe(config.url);
      const list = { tenant: "", taskId, pageSize: 0, pageToken: "" };
      expect((await client.listTaskPushNotificationConfig(list)).configs).toHaveLength(2);
      await client.deleteTaskPushNotificationConfig({ tenant: "", taskId, id: "mine" });
      expect((await client.listTaskPushNotificationConfig(list)).configs.map(({ id }) => id)).toEqual([named.id]);
      await expect(client.getTaskPushNotificationConfig({ tenant: "", taskId, id: "mine" })).rejects.toThrow();
      const eve = await clientOf(`${server.url}/a2a/bob/`, binding, await agent("eve"));
      await expect(eve.listTaskPushNotificationConfig(list)).rejects.toMatchObject({ reason: "TASK_NOT_FOUND" });
      for (const url of ["http://169.254.169.254/", "http://10.0.0.1/", "ftp://example.org/", "nothing"]) {
        const refused = client.createTaskPushNotificationConfig({ ...config, id: "x", url });
        await expect(refused).rejects.toMatchObject({ reason: "INVALID_PARAMS" });
      }
    },
  );

  test("push notifications of A2A tell what happens, in order, with the token, and end with the task", async () => {
    const { receiver, report, answer, pass, ask } = await startTold();
    await report("half way");
    await pass(100);
    await answer("there");
    await pass(100);
    expect(receiver.told).toEqual(["WORKING", "artifact there", "COMPLETED"]);
    expect(receiver.headers[0]).toMatchObject({
      ...{ "content-type": "application/a2a+json", "x-a2a-notification-token": SECRET },
    });
    await pass(1_000_000);
    expect(receiver.told).toHaveLength(3);
    expect((await ask("GET", "/v1/agents/alice/inbox")).body.items).toHaveLength(2);
  });

  test("push notifications of A2A show other credentials in their scheme", async () => {
    const { receiver, answer, pass } = await startTold({ authentication: { scheme: "Bearer", credentials: "abc" } });
    await answer("there");
    await pass(100);
    expect(receiver.headers[0]?.authorization).toBe("Bearer abc");
  });

  test("G7: push notifications of A2A are tried again after failures and restarts, from where they were", async () => {
    const told = await startTold();
    const { receiver, report, answer, pass, config } = told;
    await report("one");
    await pass(100);
    receiver.status = 503;
    await report("two");
    await pass(100);
    await answer("three");
    await told.restart(1000);
    await pass(100);
    receiver.status = 200;
    await pass(3_600_000);
    expect(receiver.told).toEqual(["WORKING", "WORKING", "artifact three", "COMPLETED"]);
    for (const file of ["signalbox.db", "signalbox.db-wal"])
      expect(readFileSync(join(config.dataDir, file), "latin1").includes(SECRET)).toBe(false);
  });

  test("G8: push notifications of A2A are given up after a day of failures, or at once when they are gone, and their owner is told", async () => {
    const { receiver, report, pass, inbox } = await startTold();
    receiver.status = 503;
    await report("one");
    for (let hours = 0; hours < 30; hours++) await pass(3_600_000);
    expect((await inbox()).map(({ subject }: { subject: string }) => subject).join()).toContain(
      "Notifications about dlg_",
    );
    const gone = await startTold();
    gone.receiver.status = 410;
    await gone.report("one");
    await gone.pass(100);
    expect((await gone.inbox()).at(-1).body).toContain("It answered 410.");
  });

  test("push notifications of A2A are accepted when the task is over, and tell how it ended", async () => {
    const { ask, alice, answer, pass, id, receiver } = await startTold();
    await answer("there");
    await pass(100);
    const late = startReceiver();
    const how = { ...alice, headers: version };
    const made = await ask("POST", `/a2a/bob/tasks/${id}/pushNotificationConfigs`, { url: late.url, id: "late" }, how);
    expect([made.status, made.body.id]).toEqual([201, "late"]);
    await pass(100);
    expect(late.told).toEqual(["artifact there", "COMPLETED"]);
    await pass(1_000_000);
    expect(late.told).toHaveLength(2);
    expect(receiver.told).toEqual(["artifact there", "COMPLETED"]);
  });

  test("push notifications of A2A come with a message again: the same is the same, and another takes its place", async () => {
    const { ask, alice, report, pass, id, receiver } = await startTold();
    const other = startReceiver();
    const how = { ...alice, headers: version };
    const message = { messageId: "m1", role: "ROLE_USER", parts: [{ text: "Go" }] };
    const again = (url: string) =>
      ask(
        "POST",
        "/a2a/bob/message:send",
        { message, configuration: { returnImmediately: true, taskPushNotificationConfig: { url } } },
        how,
      );
    expect((await again(receiver.url)).body.task.id).toBe(id);
    const list = async () => (await ask("GET", `/a2a/bob/tasks/${id}/pushNotificationConfigs`, undefined, how)).body;
    expect((await list()).configs).toMatchObject([{ url: receiver.url }]);
    expect((await again(other.url)).body.task.id).toBe(id);
    expect((await list()).configs).toMatchObject([{ url: other.url }]);
    await report("half way");
    await pass(100);
    expect([receiver.told, other.told]).toEqual([[], ["WORKING"]]);
  });

  test("push notifications of A2A that fail name no address of the relay's network to their owner", async () => {
    const { receiver, report, pass, inbox } = await startTold({ url: "http://localhost:1/hook" });
    await report("one");
    for (let hours = 0; hours < 30; hours++) await pass(3_600_000);
    expect(receiver.told).toEqual([]);
    const told = (await inbox()).find(({ subject }: { subject: string }) => subject?.includes("have ended"));
    expect(told.body).toContain("http://localhost:1/hook does not take them");
    expect(told.body).not.toMatch(/127\.0\.0\.1|::1/);
  });

  test("push notifications of A2A say that a group's request was taken", async () => {
    const { ask, agent, pass } = await startRelay();
    const receiver = startReceiver();
    const carol = await agent("carol", { tags: ["review"] });
    const alice = await agent("alice");
    const message = { messageId: "m1", role: "ROLE_USER", parts: [{ text: "Go" }] };
    const configuration = { returnImmediately: true, taskPushNotificationConfig: { url: receiver.url } };
    await ask("POST", "/a2a/tag:review/message:send", { message, configuration }, { ...alice, headers: version });
    await ask("POST", "/v1/agents/carol/claims", {}, carol);
    await pass(100);
    expect(receiver.told).toEqual(["WORKING"]);
  });
});
