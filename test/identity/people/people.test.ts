import { expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { startRelay, type TestRelay } from "../../support/relay.ts";
import { openSocket } from "../../support/socket.ts";

const tokenOf = async ({ ask }: TestRelay, personId: string, role: string) =>
  (await ask("POST", "/v1/tokens", { role, personId })).body as { id: string; token: string };

test("G10: a person's role bounds its tokens, at once when it becomes weaker", async () => {
  const relay = await startRelay();
  const { ask } = relay;
  await relay.agent("builder");
  expect((await ask("PUT", "/v1/people/ada", { name: "Ada", role: "operator" })).status).toBe(201);
  const ada = await tokenOf(relay, "ada", "operator");
  expect((await ask("GET", "/v1/whoami", undefined, ada)).body).toMatchObject({ role: "operator", personId: "ada" });
  expect((await ask("GET", "/v1/tokens", undefined, ada)).status).toBe(200);
  expect((await ask("PUT", "/v1/people/ada", { name: "Ada", role: "viewer" })).status).toBe(200);
  expect((await ask("GET", "/v1/whoami", undefined, ada)).body).toMatchObject({ role: "viewer", agentId: null });
  expect((await ask("POST", "/v1/messages", { to: "builder", body: "x" }, ada)).status).toBe(403);
  const refused = await ask("POST", "/v1/tokens", { role: "member", personId: "ada" });
  expect(refused.body).toMatchObject({ status: 422, errors: [{ pointer: "/role" }] });
  await ask("PUT", "/v1/people/ada", { name: "Ada", role: "member" });
  expect((await ask("GET", "/v1/whoami", undefined, ada)).body).toMatchObject({ role: "member", agentId: "user" });
  await relay.restart();
  expect((await ask("GET", "/v1/whoami", undefined, ada)).body).toMatchObject({ role: "member", personId: "ada" });
});

test("G10: a deleted person's tokens end with them, and the id stays taken", async () => {
  const relay = await startRelay();
  const { ask } = relay;
  await ask("PUT", "/v1/people/ada", { name: "Ada", role: "member" });
  const ada = await tokenOf(relay, "ada", "member");
  expect((await ask("GET", "/v1/whoami", undefined, ada)).status).toBe(200);
  expect((await ask("DELETE", "/v1/people/ada")).status).toBe(204);
  expect((await ask("DELETE", "/v1/people/ada")).status).toBe(204);
  expect((await ask("GET", "/v1/whoami", undefined, ada)).status).toBe(401);
  expect((await ask("GET", "/v1/people")).body.items).toEqual([]);
  expect((await ask("GET", "/v1/people/ada")).body).toMatchObject({ name: "Ada", deletedAt: expect.any(String) });
  expect((await ask("PUT", "/v1/people/ada", { name: "Other", role: "member" })).body.code).toBe("deleted");
  expect((await ask("POST", "/v1/tokens", { role: "member", personId: "ada" })).status).toBe(422);
  const acts = (await ask("GET", "/v1/activity?subject=ada")).body.items;
  expect(acts[0]).toMatchObject({ verb: "person.deleted", data: { revoked: [ada.id] } });
});

test("a person keeps what a change leaves out, and names people and chats that can be", async () => {
  const { ask } = await startRelay();
  const quietHours = { from: "22:00", to: "07:00", timezone: "Europe/Berlin" };
  const notify = [{ channelId: "telegram:team", conversationId: "7" }, "push"];
  const senders = [{ channelId: "telegram:team", senderId: "u7" }];
  await ask("PUT", "/v1/people/ida", { name: "Ida", role: "operator" });
  await ask("PUT", "/v1/people/ada", {
    ...{ name: "Ada", role: "member", notify, quietHours, senders, ladder: ["ida"] },
  });
  await ask("PUT", "/v1/people/ada", { name: "Ada L.", role: "member" });
  expect((await ask("GET", "/v1/people/ada")).body).toMatchObject({
    ...{ name: "Ada L.", notify, quietHours, senders, ladder: ["ida"], deletedAt: null },
  });
  await ask("PUT", "/v1/people/ada", { name: "Ada", role: "member", quietHours: null, ladder: [] });
  expect((await ask("GET", "/v1/people/ada")).body).toMatchObject({ quietHours: null, ladder: [] });
  const put = (more: object) => ask("PUT", "/v1/people/bob", { name: "Bob", role: "member", ...more });
  expect((await put({ senders })).body.code).toBe("conflict");
  expect((await put({ ladder: ["nobody"] })).body.errors[0].pointer).toBe("/ladder/0");
  expect((await put({ ladder: ["bob"] })).status).toBe(422);
  expect((await put({ quietHours: { from: "22:00", to: "22:00" } })).status).toBe(422);
  expect((await put({ quietHours: { from: "22:00", to: "25:00" } })).status).toBe(422);
  const nowhere = await put({ quietHours: { from: "22:00", to: "07:00", timezone: "Mars/Olympus" } });
  expect(nowhere.body.errors[0].pointer).toBe("/quietHours/timezone");
});

test("the person is recorded with what they say, do and start", async () => {
  const relay = await startRelay();
  const { ask } = relay;
  const builder = await relay.agent("builder");
  await ask("PUT", "/v1/people/ada", { name: "Ada", role: "member" });
  const ada = await tokenOf(relay, "ada", "member");
  const said = (await ask("POST", "/v1/messages", { to: "builder", body: "Build", claimable: true }, ada)).body;
  expect(said).toMatchObject({ from: "user", via: null, person: "ada" });
  const inbox = (await ask("GET", "/v1/agents/builder/inbox", undefined, builder)).body.items;
  expect(inbox[0]).toMatchObject({ id: said.id, person: "ada" });
  const run = (await ask("POST", "/v1/runs", { task: "Build", messageId: said.id }, builder)).body;
  expect(run.person).toBe("ada");
  const queued = (await ask("POST", "/v1/runs", { agentId: "builder", task: "Test", sessionKey: "t" }, ada)).body;
  expect(queued.person).toBe("ada");
  expect((await ask("POST", `/v1/runs/${run.id}/abort`, {}, ada)).status).toBe(200);
  expect((await ask("POST", `/v1/messages/${said.id}/cancel`, undefined, ada)).status).toBe(200);
  const acts = (await ask("GET", "/v1/activity?verb=run.aborted")).body.items;
  expect(acts[0]).toMatchObject({ actor: ada.id, person: "ada", subject: run.id });
  const later = { to: "builder", body: "Later", deliverAt: new Date(relay.clock.now() + 1000).toISOString() };
  await ask("POST", "/v1/messages", later, ada);
  await relay.pass(2000);
  expect((await ask("GET", "/v1/messages?limit=1")).body.items[0]).toMatchObject({ body: "Later", person: "ada" });
});

test("G10: a socket of a person whose role becomes weaker closes, and a new one has the weaker role", async () => {
  const relay = await startRelay();
  const url = `${listen(relay)}/v1/agents/user/socket`;
  await relay.agent("builder");
  await relay.ask("PUT", "/v1/people/ada", { name: "Ada", role: "member" });
  const ada = await tokenOf(relay, "ada", "member");
  const socket = await openSocket(url, ada);
  await socket.first("hello");
  await relay.ask("PUT", "/v1/people/ada", { name: "Ada", role: "viewer" });
  expect(await socket.first("bye")).toMatchObject({ reason: "restarting" });
  const again = await openSocket(url, ada);
  await again.first("hello");
  const refused = await again.ask({ type: "send", message: { to: "builder", body: "x" } });
  expect(refused).toMatchObject({ type: "problem", problem: { code: "forbidden" } });
});
