import { expect, test } from "bun:test";
import { TaskState } from "@a2a-js/sdk";
import { asTask, clientOf, inShort, resultOf, saidAtOnce, startCalling } from "../../support/a2a.ts";

/** A task of alice's that bob works on as a run. */
async function startServed() {
  const calling = await startCalling();
  const [bob, alice] = [await calling.agent("bob"), await calling.agent("alice")];
  const client = await clientOf(`${calling.server.url}/a2a/bob/`, "JSONRPC", alice);
  const task = asTask(await client.sendMessage(saidAtOnce("When is high tide?")));
  const { body } = await calling.ask("GET", "/v1/agents/bob/inbox", undefined, bob);
  const messageId = body.items[0].id;
  const post = async (path: string, data: object, token?: string) => {
    const response = await fetch(`${calling.server.url}/v1/runs${path}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${bob}`,
        "content-type": "application/json",
        ...(token && { "signalbox-run": token }),
      },
      body: JSON.stringify(data),
    });
    if (!response.ok) throw new Error(await response.text());
    // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
    return (await response.json()) as any;
  };
  return { client, task, messageId, post, seen: () => client.getTask({ tenant: "", id: task.id }) };
}

const say = (delta: string) => ({ events: [{ source: "s", seq: 0, stream: "assistant", data: { delta } }] });

test("a task of A2A that a run serves shows its state and its text while the run goes on", async () => {
  const { task, messageId, post, seen } = await startServed();
  const run = await post("", { task: "Tides", messageId });
  expect(run.delegationId).toBe(task.id);
  expect((await seen()).status?.state).toBe(TaskState.TASK_STATE_WORKING);
  await post(`/${run.id}/events`, say("At noon"), run.token);
  const live = await seen();
  expect(live.artifacts).toMatchObject([{ artifactId: run.id }]);
  expect(resultOf(live)).toBe("At noon");
  const usage = { inputTokens: 5, outputTokens: 2 };
  await post(`/${run.id}/finish`, { outcome: "ok", result: "At noon, and at midnight.", usage }, run.token);
  const done = await seen();
  expect(done.status?.state).toBe(TaskState.TASK_STATE_COMPLETED);
  expect(done.artifacts).toMatchObject([{ artifactId: run.id }]);
  expect(resultOf(done)).toBe("At noon, and at midnight.");
  expect(done.metadata?.signalbox).toMatchObject({ run: { id: run.id, status: "ended", outcome: "ok", usage } });
});

test("a task of A2A that a run serves tells its stream when the run begins and how it ends", async () => {
  const { client, task, messageId, post } = await startServed();
  const events: string[] = [];
  const heard = Promise.withResolvers<void>();
  const following = (async () => {
    for await (const event of client.resubscribeTask({ tenant: "", id: task.id })) {
      events.push(inShort(event));
      heard.resolve();
    }
  })();
  await heard.promise;
  const run = await post("", { task: "Tides", messageId });
  await post(`/${run.id}/finish`, { outcome: "error", error: "No tables." }, run.token);
  await following;
  expect(events.at(-1)).toBe(`status ${TaskState.TASK_STATE_FAILED} No tables.`);
  expect(events[0]).toBe(`task ${TaskState.TASK_STATE_SUBMITTED}`);
});
