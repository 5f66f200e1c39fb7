import { Database as Sqlite } from "bun:sqlite";
import { expect, test } from "bun:test";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { DAY_MS } from "../../../src/kernel/clock.ts";
import { startRelay, type TestRelay, tempFolder } from "../../support/relay.ts";
import { until } from "../../support/until.ts";

const HOUR = 3_600_000;

const list = async ({ ask }: TestRelay, query = "", how = {}) =>
  (await ask("GET", `/v1/threads${query}`, undefined, how)).body.items;
const ids = (items: { id: number }[]) => items.map(({ id }) => id);

async function startTalk(settings = {}) {
  const relay = await startRelay(settings);
  const [ann, bob] = [await relay.agent("ann"), await relay.agent("bob")];
  const say = async (who: object | undefined, message: object): Promise<number> =>
    (await relay.ask("POST", "/v1/messages", { body: "x", ...message }, who)).body.id;
  return { ...relay, relay, ann, bob, say };
}

test("threads are listed by their newest message, with what people have to know of each", async () => {
  const { relay, ask, ann, bob, say } = await startTalk();
  const release = await say(undefined, { to: "ann", subject: "Release 2.4", body: "Is main green?" });
  const talk = await say(ann, { to: "bob", body: "\nFirst line\nSecond line" });
  const answer = await say(ann, { to: "user", body: "It is.", replyTo: release });
  const asked = await say(ann, { to: "bob", replyTo: release });
  await say(bob, { to: "ann", replyTo: asked });
  const secret = await say(ann, { to: "user", body: "c2VjcmV0", encoding: "opaque" });
  const items = await list(relay);
  expect(ids(items)).toEqual([secret, release, talk]);
  expect(items[0]).toMatchObject({ title: null, unread: 1, lastMessage: { body: "", encoding: "opaque" } });
  expect(items[1]).toMatchObject({
    ...{ title: "Release 2.4", replies: 3, unread: 1, archived: false, agentId: null, liveRuns: 0 },
    ...{ participants: ["ann", "bob", "user"], lastMessage: { from: "bob", to: "ann", kind: "chat" } },
  });
  expect(items[2]).toMatchObject({ title: "First line", replies: 0, unread: 0 });
  const { body: first } = await ask("GET", "/v1/threads?limit=2");
  expect(ids((await ask("GET", `/v1/threads?limit=2&page=${first.nextPage}`)).body.items)).toEqual([talk]);
  const run = (await ask("POST", "/v1/runs", { agentId: "bob", task: "x", messageId: asked }, bob)).body;
  expect((await list(relay)).find(({ id }: { id: number }) => id === release).liveRuns).toBe(1);
  await ask("POST", `/v1/runs/${run.id}/abort`, {}, bob);
  const whole = (await ask("GET", `/v1/threads/${answer}`)).body;
  expect(whole).toMatchObject({ thread: { id: release, replies: 3 }, root: { id: release } });
  expect((await ask("GET", `/v1/threads/${release}`, undefined, ann)).body.thread).toBeNull();
});

test("a list of threads is narrowed by participant, by words and by name", async () => {
  const { relay, ask, ann, bob, say } = await startTalk();
  const one = await say(undefined, { to: "ann", body: "Deploy the docs" });
  const two = await say(ann, { to: "bob", body: "Deploy the site" });
  const three = await say(bob, { to: "ann", body: "nothing" });
  await say(bob, { to: "user", replyTo: three });
  await ask("PATCH", `/v1/threads/${three}`, { title: "Deploy later" });
  await relay.relay.settle();
  expect(ids(await list(relay, "?participant=user"))).toEqual([three, one]);
  expect(ids(await list(relay, "?participant=bob"))).toEqual([three, two]);
  expect(ids(await list(relay, "?q=deploy"))).toEqual([three, two, one]);
  expect(ids(await list(relay, "?q=deploy&participant=user"))).toEqual([three, one]);
  expect(ids(await list(relay, "?q=site&participant=bob"))).toEqual([two]);
  expect(await list(relay, "?participant=nobody")).toEqual([]);
  expect((await ask("GET", "/v1/threads", undefined, ann)).body.detail).toContain("follows its inbox");
});

test("an archived thread leaves the list until something new comes for user", async () => {
  const { relay, ask, ann, bob, say } = await startTalk();
  const root = await say(undefined, { to: "ann" });
  const change = (body: object) => ask("PATCH", `/v1/threads/${root}`, body);
  expect((await change({ archived: true, agentId: "bob" })).body).toMatchObject({ archived: true, agentId: "bob" });
  expect(await list(relay)).toEqual([]);
  const asked = await say(ann, { to: "bob", replyTo: root });
  expect(ids(await list(relay, "?archived=true"))).toEqual([root]);
  await say(bob, { to: "user", replyTo: asked });
  expect((await list(relay))[0]).toMatchObject({ id: root, archived: false, agentId: "bob", replies: 2 });
  expect((await change({ agentId: "nobody" })).body.errors[0].pointer).toBe("/agentId");
  expect((await change({ title: "two\nlines" })).status).toBe(422);
  expect((await change({ title: "Named" })).body.title).toBe("Named");
  expect((await change({ title: null, agentId: null })).body).toMatchObject({ title: "x", agentId: null });
});

test("each person has read a thread up to a place of their own, whatever the cursor of user says", async () => {
  const { relay, ask, ann, say } = await startTalk();
  for (const id of ["ada", "ben"]) await ask("PUT", `/v1/people/${id}`, { name: id, role: "member" });
  const [ada, ben] = await Promise.all(
    ["ada", "ben"].map(async (personId) => (await ask("POST", "/v1/tokens", { role: "member", personId })).body),
  );
  const root = await say(ann, { to: "user" });
  const second = await say(ann, { to: "user", replyTo: root });
  await say(ann, { to: "bob", replyTo: root });
  const last = await say(ann, { to: "user", replyTo: root });
  const unread = async (who?: object) => (await list(relay, "", who))[0].unread;
  const read = (upTo: number, who?: object) => ask("POST", `/v1/threads/${root}/read`, { upTo }, who);
  expect(await Promise.all([unread(ada), unread(ben), unread()])).toEqual([3, 3, 3]);
  expect((await read(second, ada)).body.unread).toBe(1);
  expect((await read(root, ada)).body.unread).toBe(1);
  expect((await read(last + 1000, ben)).body.unread).toBe(0);
  expect(await Promise.all([unread(ada), unread(ben), unread()])).toEqual([1, 0, 3]);
  await say(ann, { to: "user", replyTo: root });
  expect(await Promise.all([unread(ada), unread(ben)])).toEqual([2, 1]);
  expect((await ask("GET", `/v1/messages/${second}`)).body.readBy).toEqual(["user"]);
  await relay.restart();
  expect(await Promise.all([unread(ada), unread(ben)])).toEqual([2, 1]);
});

test("retention deletes a thread with its last message, and leaves the others with what is left of them", async () => {
  const { relay, ask, ann, say } = await startTalk({ retentionDays: 1 });
  const gone = async (id: number) => (await ask("GET", `/v1/messages/${id}`)).status === 404;
  const root = await say(ann, { to: "user", body: "old" });
  await ask("POST", `/v1/threads/${root}/read`, { upTo: root });
  const work = await say(ann, { to: "bob", claimable: true });
  await say(ann, { to: "bob", replyTo: work });
  const alone = await say(ann, { to: "user" });
  await relay.pass(2 * HOUR);
  const reply = await say(ann, { to: "user", body: "new", replyTo: root });
  relay.clock.advance(DAY_MS - HOUR);
  await until(() => gone(alone), "retention has run");
  expect(await list(relay)).toMatchObject([
    { id: root, lastMessage: { id: reply }, title: null, replies: 1, unread: 1 },
    { id: work, lastMessage: { id: work } },
  ]);
  relay.clock.advance(DAY_MS);
  await until(() => gone(reply), "retention has run again");
  expect(ids(await list(relay))).toEqual([work]);
});

test("messages that retention took are unread no more, whether a person had read them or not", async () => {
  const { relay, ask, ann, say } = await startTalk({ retentionDays: 1 });
  await ask("PUT", "/v1/people/ada", { name: "Ada", role: "operator" });
  const ada = (await ask("POST", "/v1/tokens", { role: "operator", personId: "ada" })).body;
  const unread = async (who: object) => (await list(relay, "", who))[0].unread;
  const root = await say(ann, { to: "user" });
  const second = await say(ann, { to: "user", replyTo: root });
  await ask("POST", `/v1/threads/${root}/read`, { upTo: second }, ada);
  const third = await say(ann, { to: "user", replyTo: root });
  await say(ann, { to: "bob", replyTo: root });
  await relay.pass(2 * HOUR);
  const last = await say(ann, { to: "user", replyTo: root });
  expect([await unread({}), await unread(ada)]).toEqual([4, 2]);
  relay.clock.advance(DAY_MS - HOUR);
  await until(async () => (await ask("GET", `/v1/messages/${third}`)).status === 404, "retention has run");
  expect([await unread({}), await unread(ada)]).toEqual([1, 1]);
  // Replies are counted since the thread began.
  expect((await list(relay))[0]).toMatchObject({ id: root, replies: 4, lastMessage: { id: last } });
  await ask("POST", `/v1/threads/${root}/read`, { upTo: last }, ada);
  await say(ann, { to: "user", replyTo: last });
  expect([await unread({}), await unread(ada)]).toEqual([2, 1]);
});

test("a relay that was killed has every message in its thread at the next list, and none twice", async () => {
  const { relay, ask, ann, say } = await startTalk();
  const root = await say(undefined, { to: "ann" });
  await say(ann, { to: "user", replyTo: root });
  expect(await list(relay)).toMatchObject([{ id: root, replies: 1, unread: 1 }]);
  await ask("PATCH", `/v1/threads/${root}`, { archived: true });
  await say(ann, { to: "user", replyTo: root });
  const later = await say(ann, { to: "bob" });
  const all = [
    { id: later, replies: 0, unread: 0 },
    { id: root, replies: 2, unread: 2, archived: false },
  ];
  const dataDir = tempFolder();
  cpSync(relay.config.dataDir, dataDir, { recursive: true });
  const killed = await startRelay({ dataDir });
  expect(await list(killed)).toMatchObject(all);
  await killed.relay.close();
  // As a relay left it that kept threads without a mark.
  const sqlite = new Sqlite(join(dataDir, "signalbox.db"));
  sqlite.run("delete from marks where name = 'threads'");
  sqlite.close();
  expect(await list(await startRelay({ dataDir }))).toMatchObject(all);
});
