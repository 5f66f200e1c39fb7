import { expect, test } from "bun:test";
import type { Attention } from "../../../src/protocol/attention.ts";
import { startRelay, type TestRelay } from "../../support/relay.ts";
import { startFleet } from "../../support/sessions.ts";

const options = [
  { id: "yes", label: "Yes", decision: "allow" },
  { id: "no", label: "No", decision: "deny" },
];

const askIn = ({ ask }: TestRelay, me: { token: string }, line: string, more: object = {}) =>
  ask(
    "POST",
    "/v1/approvals",
    {
      ...{ kind: "permission", title: `Run ${line}`, options, default: "no", expiresInSeconds: 3600 },
      subject: { type: "command", line, cwd: "/work", envNames: [] },
      ...more,
    },
    me,
  );

const list = async ({ ask }: TestRelay, query = "") => (await ask("GET", `/v1/attention${query}`)).body.items;

/** Work that dies at its first failure. */
async function die({ ask }: TestRelay, me: { id: string; token: string }, subject: string, error: string) {
  const { id } = (await ask("POST", "/v1/messages", { to: me.id, body: "x", subject, claimable: true })).body;
  const { claim } = (await ask("POST", `/v1/messages/${id}/claim`, {}, me)).body;
  await ask("POST", `/v1/messages/${id}/fail`, { token: claim.token, error, final: true }, me);
  return id as number;
}

test("everything that waits for a person is one list, and leaves it once it is over", async () => {
  const relay = await startRelay();
  const { ask } = relay;
  expect(await list(relay)).toEqual([]);
  const me = await relay.agent("me");
  const approval = (await askIn(relay, me, "git push")).body;
  await relay.pass(1000);
  const dead = await die(relay, me, "Nightly", "no space");
  const again = await die(relay, me, "Nightly again", "no space");
  const other = await die(relay, me, "Other", "no network");
  const items = await list(relay);
  expect(items.map(({ kind, count, subject }: Attention) => [kind, count, subject.messageId])).toEqual([
    ["approval", 1, null],
    ["dead", 2, dead],
    ["dead", 1, other],
  ]);
  expect(items[0]).toMatchObject({
    holdsUp: ["me"],
    actions: ["answer"],
    subject: { title: "Run git push", approvalId: approval.id },
  });
  expect(items[1]).toMatchObject({ holdsUp: ["user"], reason: "Given up after 1 attempt: no space." });
  await ask("POST", `/v1/approvals/${approval.id}/answer`, { option: "no", hash: approval.hash });
  for (const id of [dead, again]) await ask("POST", `/v1/messages/${id}/requeue`, {});
  expect((await list(relay)).map(({ subject }: Attention) => subject.messageId)).toEqual([other]);
  expect(await list(relay, "?kind=approval")).toEqual([]);
});

test("a session that is stuck, a machine that is away and a pause of a loop wait for a person", async () => {
  const relay = await startFleet({ loopLimit: 3 });
  const { ask } = relay;
  const me = await relay.agent("me");
  const other = await relay.agent("other");
  await relay.put(relay.box, "ses_1", { state: "stuck", reason: "Silent for 22 min." });
  let [last, by] = [(await ask("POST", "/v1/messages", { to: "other", body: "0" }, me)).body.id, other];
  for (let n = 1; n < 8; n++) {
    const sent = await ask(
      "POST",
      "/v1/messages",
      { to: by === other ? "me" : "other", body: `${n}`, replyTo: last },
      by,
    );
    last = sent.body.id ?? last;
    by = by === other ? me : other;
  }
  const kinds = Object.fromEntries((await list(relay)).map((one: { kind: string }) => [one.kind, one]));
  expect(kinds.stuck).toMatchObject({
    id: "stuck:ses_1",
    reason: "Silent for 22 min.",
    subject: { agentId: "box-one" },
  });
  expect(kinds.loop).toMatchObject({ actions: ["resume"], holdsUp: expect.arrayContaining(["me", "other"]) });
  await relay.pass(600_000);
  expect((await list(relay, "?kind=away"))[0]).toMatchObject({ id: "away:box", count: 1 });
});

test("people take, snooze and hand over what waits, and the next list says so", async () => {
  const relay = await startRelay();
  const { ask } = relay;
  const me = await relay.agent("me");
  for (const id of ["ada", "ben"]) await ask("PUT", `/v1/people/${id}`, { name: id, role: "member" });
  const ada = (await ask("POST", "/v1/tokens", { role: "member", personId: "ada" })).body;
  const id = `approval:${(await askIn(relay, me, "ls")).body.id}`;
  const at = `/v1/attention/${id}`;
  expect((await ask("POST", `${at}/take`, {}, ada)).body).toMatchObject({ id, takenBy: "ada" });
  expect((await list(relay))[0]).toMatchObject({ takenBy: "ada", takenAt: expect.any(String) });
  expect((await ask("POST", `${at}/hand`, { personId: "ben" }, ada)).body).toMatchObject({
    takenBy: "ben",
    handedTo: "ben",
  });
  expect((await ask("POST", `${at}/hand`, { personId: "nobody" }, ada)).body.errors[0].pointer).toBe("/personId");
  expect((await ask("POST", `${at}/take`, { release: true }, ada)).body).toMatchObject({
    takenBy: null,
    handedTo: null,
  });
  const until = new Date(relay.clock.now() + 60_000).toISOString();
  expect((await ask("POST", `${at}/snooze`, { until }, ada)).body.snoozedUntil).toBe(until);
  expect(await list(relay)).toEqual([]);
  expect(await list(relay, "?snoozed=true")).toHaveLength(1);
  await relay.restart(60_000);
  expect(await list(relay)).toHaveLength(1);
  expect((await ask("POST", "/v1/attention/approval:apr_none/take", {}, ada)).status).toBe(404);
  expect((await ask("POST", "/v1/attention/nonsense/take", {}, ada)).status).toBe(404);
  const viewer = (await ask("POST", "/v1/tokens", { role: "viewer" })).body;
  expect((await ask("GET", "/v1/attention", undefined, viewer)).body.items).toHaveLength(1);
  expect((await ask("POST", `${at}/take`, {}, viewer)).status).toBe(403);
  expect((await ask("GET", "/v1/attention", undefined, me)).status).toBe(403);
});

test("of more than 200 of a kind the list says that there are more, and people see to those that it leaves out", async () => {
  const relay = await startRelay();
  const { ask } = relay;
  const agents = await Promise.all(["one", "two", "three"].map((id) => relay.agent(id)));
  const made = Array.from({ length: 202 }, (_, n) => askIn(relay, agents[n % 3] as { token: string }, `make ${n}`));
  const ids = (await Promise.all(made)).map(({ body }) => body.id);
  const { items, more } = (await ask("GET", "/v1/attention?kind=approval")).body;
  expect([items.length, more]).toEqual([200, true]);
  const listed = new Set(items.map(({ id }: Attention) => id));
  const left = ids.map((id) => `approval:${id}`).filter((id) => !listed.has(id));
  expect(left).toHaveLength(2);
  for (const id of left) expect((await ask("POST", `/v1/attention/${id}/take`, {})).body.takenBy).toBe("user");
  expect((await ask("GET", "/v1/attention?kind=loop")).body).toEqual({ items: [], more: false });
  // One of a project, which expires after all others.
  const one = agents[0] as { token: string };
  const run = (await ask("POST", "/v1/runs", { task: "x", project: "acme/api" }, one)).body;
  relay.clock.advance(1000);
  const last = (await askIn(relay, one, "make all", { runId: run.id })).body.id;
  expect((await ask("GET", "/v1/attention?project=acme/api")).body).toMatchObject({
    ...{ items: [{ id: `approval:${last}`, subject: { project: "acme/api" } }], more: false },
  });
});
