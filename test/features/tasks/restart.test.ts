import { expect, test } from "bun:test";
import { agentOn, asking } from "../../support/ask.ts";
import { hmac } from "../../support/integration.ts";
import { startServer } from "../../support/server.ts";

/** A relay that is killed after every call of `killed`. */
async function startDoomed() {
  let server = await startServer();
  const { dataDir } = server;
  const ask = (...call: Parameters<ReturnType<typeof asking>>) => asking(server)(...call);
  async function killed(...call: Parameters<typeof ask>) {
    const answer = await ask(...call);
    if (answer.status > 201) throw new Error(`${call[0]} ${call[1]}: ${JSON.stringify(answer.body)}`);
    await server.kill();
    server = await startServer({ dataDir });
    return answer.body;
  }
  return { ask, killed };
}

test("G1, G7: an alert becomes a task, is worked on, resolved and comes again, with kill -9 after every step", async () => {
  const { ask, killed } = await startDoomed();
  const ann = await agentOn(ask, "ann", { tags: ["ops"] });
  const { secret } = await killed("PUT", "/v1/integrations/gh", { target: "tag:ops", verify: "github" });
  const event = { title: "Disk full", dedupeKey: "disk-1" };
  const post = (body: unknown, delivery: string) =>
    killed("POST", "/v1/integrations/gh/events", body, {
      token: "none",
      headers: { "x-hub-signature-256": `sha256=${hmac(secret, body)}`, "x-github-delivery": delivery },
    });
  const { task, message } = await post(event, "1");
  expect(await post(event, "1")).toMatchObject({ task: { id: task.id, count: 1 }, created: true });
  expect(await post(event, "2")).toMatchObject({ task: { count: 2 }, created: false });
  const at = `/v1/tasks/${task.id}`;
  const { claim } = await killed("POST", `${at}/claim`, { leaseSeconds: 600 }, ann);
  await killed("POST", `${at}/status`, { status: "in_progress", token: claim.token }, ann);
  expect((await killed("POST", `${at}/renew`, { token: claim.token }, ann)).task.status).toBe("in_progress");
  await killed("POST", `${at}/release`, { token: claim.token }, ann);
  expect((await killed("POST", "/v1/agents/ann/claims", {}, ann)).items[0].task).toMatchObject({ id: task.id });
  const resolved = await post({ ...event, status: "resolved" }, "3");
  expect(resolved).toMatchObject({ task: { status: "done", holder: null }, message: { state: "done" } });
  const again = await post(event, "4");
  expect(again).toMatchObject({ created: true, task: { id: task.id, status: "open", count: 3 } });
  expect(again.message.id).toBeGreaterThan(message.id);
  await killed("POST", `${at}/claim`, {}, ann);
  await killed("POST", `${at}/status`, { status: "done", note: "Freed 10 GB" }, ann);
  const { events } = (await ask("GET", at)).body;
  expect(events.map(({ to }: { to: string }) => to)).toEqual([
    ...["open", "open", "claimed", "in_progress", "open", "claimed", "done", "open", "claimed", "done"],
  ]);
  expect((await ask("GET", "/v1/messages?state=open")).body.items).toEqual([]);
});
