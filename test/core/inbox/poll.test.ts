import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { metric } from "../../support/metrics.ts";
import { type Answered, startRelay } from "../../support/relay.ts";
import { until } from "../../support/until.ts";

async function withInbox() {
  const relay = await startRelay();
  const ann = await relay.agent("ann");
  const bob = await relay.agent("bob", { tags: ["crew"] });
  const ids = (items: { id: number }[]) => items.map((item) => item.id);
  return {
    ...relay,
    ann,
    bob,
    ids,
    send: async (fields: Record<string, unknown> = {}) =>
      (await relay.ask("POST", "/v1/messages", { to: "bob", body: "hi", ...fields }, ann)).body.id as number,
    read: (query = "", how = {}) =>
      relay.ask("GET", `/v1/agents/bob/inbox${query}`, undefined, { token: bob.token, ...how }),
    /** Waits until so many calls are parked. */
    parked: (calls: number) =>
      until(async () => (await metric(relay, "signalbox_connections")) === calls, `${calls} parked calls`),
  };
}

describe("reading an inbox", () => {
  test("reading an inbox pages from the cursor, says where the next one begins, and moves nothing", async () => {
    const { read, send, ids } = await withInbox();
    const sent = [await send(), await send(), await send()];
    const first = await read("?limit=2");
    expect(ids(first.body.items)).toEqual(sent.slice(0, 2));
    expect(first.body).toMatchObject({ next: sent[1], cursor: 0, head: sent[2], more: true, open: false });
    const second = await read(`?limit=2&after=${first.body.next}`);
    expect(ids(second.body.items)).toEqual(sent.slice(2));
    expect(second.body).toMatchObject({ next: sent[2], cursor: 0, more: false });
    expect(ids((await read()).body.items)).toEqual(sent);
    expect(first.body).not.toHaveProperty("reset");
  });

  test("ackUpTo acknowledges first, so that the page begins behind it", async () => {
    const { read, send, ids } = await withInbox();
    const sent = [await send(), await send()];
    const page = await read(`?ackUpTo=${sent[0]}`);
    expect(page.body.cursor).toBe(sent[0]);
    expect(ids(page.body.items)).toEqual(sent.slice(1));
    expect((await read("?ackUpTo=99")).body).toMatchObject({ code: "ahead-of-log", status: 422 });
    expect((await read()).body.cursor).toBe(sent[0]);
  });

  test("the cursor of an inbox only moves forward", async () => {
    const { ask, bob, send } = await withInbox();
    const sent = [await send(), await send()];
    expect((await ask("POST", "/v1/agents/bob/inbox/ack", { upTo: sent[1] }, bob)).body.cursor).toBe(sent[1]);
    expect((await ask("POST", "/v1/agents/bob/inbox/ack", { upTo: sent[0] }, bob)).body).toEqual({
      cursor: sent[1],
      skipped: 0,
    });
  });

  test("include=parent adds what a message replies to, its body cut, where it may be read", async () => {
    const { ask, read, send, bob, ann } = await withInbox();
    const root = (await ask("POST", "/v1/messages", { to: "ann", body: "é".repeat(400) }, bob)).body.id;
    const reply = await send({ replyTo: root });
    const secret = (await ask("POST", "/v1/messages", { to: "user", body: "not for bob" }, ann)).body.id;
    const other = await send({ replyTo: secret });
    const opaque = (await ask("POST", "/v1/messages", { to: "ann", body: "c2VjcmV0", encoding: "opaque" }, bob)).body
      .id;
    const third = await send({ replyTo: opaque });
    const { items } = (await read("?include=parent")).body;
    const parents = Object.fromEntries(items.map((item: { id: number; parent: unknown }) => [item.id, item.parent]));
    expect(parents[reply]).toMatchObject({ id: root, from: "bob", body: "é".repeat(280) });
    expect(parents[other]).toBeUndefined();
    expect(parents[third]).toMatchObject({ id: opaque, body: "" });
    expect((await read()).body.items[0]).not.toHaveProperty("parent");
  });

  /** All that a filtered read finds, page by page. */
  async function readAll(read: (query: string) => Promise<Answered>, filter: string): Promise<number[][]> {
    const pages: number[][] = [];
    for (let after = ""; pages.length < 20; ) {
      const { body } = await read(`?${filter}${after}`);
      pages.push(body.items.map(({ id }: { id: number }) => id));
      if (!body.more) break;
      after = `&after=${body.lookAfter}`;
    }
    return pages;
  }

  test("a filtered read comes to the end of a long inbox page by page, also over pages that hold nothing, and acknowledges nothing", async () => {
    const { ask, read, send, ann } = await withInbox();
    const chats = Array.from({ length: 1000 }, () => ({ to: "bob", body: "chat" }));
    for (let n = 0; n < 5; n++) await ask("POST", "/v1/messages/batch", { messages: chats }, ann);
    const task = await send({ kind: "task" });
    const first = (await read("?kind=task")).body;
    expect(first).toMatchObject({ items: [], more: true, cursor: 0 });
    expect(first).not.toHaveProperty("next");
    expect(await readAll(read, "kind=task")).toEqual([[], [], [task]]);
    expect((await readAll(read, "kind=chat&limit=500")).map((page) => page.length)).toEqual(Array(10).fill(500));
    expect((await read(`?kind=task&after=${task + 1}`)).body.code).toBe("ahead-of-log");
    expect((await read()).body.cursor).toBe(0);
  });

  test("open work is paged by its place, urgent or not, and with a topic", async () => {
    const { read, send } = await withInbox();
    const ids: number[] = [];
    for (let n = 0; n < 7; n++)
      ids.push(
        await send({ to: n % 2 ? "bob" : "tag:crew", claimable: true, urgent: n === 5, topic: n < 4 ? "a" : "b" }),
      );
    expect(await readAll(read, "claimable=open&limit=3")).toEqual([ids.slice(0, 3), ids.slice(3, 6), ids.slice(6)]);
    expect(await readAll(read, "claimable=open&limit=2&topic=b")).toEqual([ids.slice(4, 6), ids.slice(6)]);
  });

  test("a filtered read is for looking: it has no next, and with claimable=open ignores the cursor", async () => {
    const { ask, read, send, ids, bob } = await withInbox();
    const task = await send({ to: "tag:crew", claimable: true, topic: "build" });
    const chat = await send({ topic: "build" });
    const last = await send();
    await ask("POST", "/v1/agents/bob/inbox/ack", { upTo: task }, bob);
    const byTopic = (await read("?topic=build")).body;
    expect(ids(byTopic.items)).toEqual([chat]);
    expect(byTopic).toMatchObject({ cursor: task, head: last, more: false, open: true });
    expect(byTopic).not.toHaveProperty("next");
    expect(ids((await read("?topic=build&after=0")).body.items)).toEqual([task, chat]);
    expect(ids((await read("?kind=chat&limit=1")).body.items)).toEqual([chat]);
    const open = (await read("?claimable=open")).body;
    expect(ids(open.items)).toEqual([task]);
    expect(open).not.toHaveProperty("next");
    await ask("POST", `/v1/messages/${task}/claim`, {}, bob);
    expect((await read("?claimable=open")).body).toMatchObject({ items: [], open: false });
  });

  test("work in a page carries its state and who holds it, never the token", async () => {
    const { ask, read, send, bob } = await withInbox();
    const id = await send({ claimable: true });
    await ask("POST", `/v1/messages/${id}/claim`, {}, bob);
    const page = await read();
    expect(page.body.items).toMatchObject([{ id, state: "claimed", claim: { agentId: "bob", attempt: 1 } }]);
    expect(JSON.stringify(page.body)).not.toContain("clm_");
  });
});

describe("waiting for an inbox", () => {
  test("waiting for an inbox with a filter waits for an entry that passes, and no longer than it may", async () => {
    const { read, send, ids, clock, parked } = await withInbox();
    await send();
    const waiting = read("?kind=task&waitSeconds=60");
    await parked(1);
    await send();
    const task = await send({ kind: "task" });
    expect(ids((await waiting).body.items)).toEqual([task]);
    const idle = read(`?topic=build&waitSeconds=5&after=${task}`);
    const open = read("?claimable=open&waitSeconds=5");
    await parked(2);
    const last = await send();
    clock.advance(5000);
    expect((await idle).body).toMatchObject({ items: [], more: false, lookAfter: last });
    expect((await open).body.items).toEqual([]);
  });

  test("waiting for an inbox answers at once when something is there", async () => {
    const { read, send, ids } = await withInbox();
    const id = await send();
    expect(ids((await read("?waitSeconds=60")).body.items)).toEqual([id]);
  });

  test("waiting for an inbox answers as soon as something comes", async () => {
    const { read, send, ids, parked } = await withInbox();
    const waiting = read("?waitSeconds=60");
    await parked(1);
    const id = await send();
    const page = await waiting;
    expect(ids(page.body.items)).toEqual([id]);
    expect(page.body).toMatchObject({ next: id, head: id });
    await parked(0);
  });

  test("waiting for an inbox waits beyond `after`, not beyond the cursor", async () => {
    const { read, send, ids, parked } = await withInbox();
    const unread = await send();
    const waiting = read(`?waitSeconds=60&after=${unread}`);
    await parked(1);
    const id = await send();
    expect(ids((await waiting).body.items)).toEqual([id]);
  });

  test("waiting for an inbox is not woken by what is for others, and ends with an empty page when the time is up", async () => {
    const { read, send, parked, clock } = await withInbox();
    let answered = false;
    const waiting = read("?waitSeconds=20").finally(() => (answered = true));
    await parked(1);
    const other = await send({ to: "ann" });
    clock.advance(19_999);
    await parked(1);
    expect(answered).toBe(false);
    clock.advance(1);
    const page = await waiting;
    expect(page.status).toBe(200);
    expect(page.body).toMatchObject({ items: [], next: other, head: other, more: false });
  });

  test("waiting for an inbox ends with how things are then: work that was released meanwhile is open", async () => {
    const { ask, read, send, bob, ann, parked, clock } = await withInbox();
    await ask("PATCH", "/v1/agents/ann", { tags: ["crew"] }, ann);
    const id = (await ask("POST", "/v1/messages", { to: "tag:crew", body: "do it", claimable: true })).body.id;
    const { claim } = (await ask("POST", `/v1/messages/${id}/claim`, {}, ann)).body;
    await ask("POST", "/v1/agents/bob/inbox/ack", { upTo: id }, bob);
    const waiting = read("?waitSeconds=20");
    await parked(1);
    await ask("POST", `/v1/messages/${id}/release`, { token: claim.token }, ann);
    const head = await send({ to: "ann" });
    clock.advance(20_000);
    expect((await waiting).body).toMatchObject({ items: [], open: true, head });
  });

  test("G3: a tag gained while waiting for an inbox counts from that place", async () => {
    const { ask, read, send, ids, bob, parked } = await withInbox();
    const waiting = read("?waitSeconds=60");
    await parked(1);
    await ask("PATCH", "/v1/agents/bob", { tags: ["crew", "new"] }, bob);
    const id = await send({ to: "tag:new" });
    expect(ids((await waiting).body.items)).toEqual([id]);
  });

  test("G6: waiting for an inbox ends with 409 when its instance is superseded meanwhile", async () => {
    const { ask, read, bob, parked } = await withInbox();
    await ask("PUT", "/v1/agents/bob", { name: "bob", instanceId: "b-1" }, bob);
    const named = read("?waitSeconds=60", { instance: "b-1" });
    const unnamed = read("?waitSeconds=60");
    await parked(2);
    await ask("PUT", "/v1/agents/bob", { name: "bob", instanceId: "b-2" }, bob);
    expect((await named).body).toMatchObject({ status: 409, code: "superseded" });
    await parked(1);
    await ask("POST", "/v1/messages", { to: "bob", body: "go on" });
    expect((await unnamed).status).toBe(200);
  });

  test("G10: waiting for an inbox ends with 401 when its token is revoked meanwhile, and with 410 when the agent is deleted", async () => {
    const { ask, read, bob, parked } = await withInbox();
    const { tokenId } = (await ask("GET", "/v1/whoami", undefined, bob)).body;
    const revoked = read("?waitSeconds=60");
    const claim = ask("POST", "/v1/agents/bob/claims", { waitSeconds: 60 }, bob);
    const deleted = ask("GET", "/v1/agents/bob/inbox?waitSeconds=60");
    await parked(3);
    await ask("DELETE", `/v1/tokens/${tokenId}`);
    expect((await revoked).body).toMatchObject({ status: 401, code: "unauthorized" });
    expect((await claim).body).toMatchObject({ status: 401, code: "unauthorized" });
    await ask("DELETE", "/v1/agents/bob");
    expect((await deleted).body).toMatchObject({ status: 410, code: "gone" });
    await parked(0);
  });

  test("G9: a client that leaves while it waits for an inbox leaves nothing behind", async () => {
    const { bob, parked, ...relay } = await withInbox();
    const url = listen(relay);
    const leave = new AbortController();
    const calls = Array.from({ length: 20 }, () =>
      fetch(`${url}/v1/agents/bob/inbox?waitSeconds=60`, {
        headers: { authorization: `Bearer ${bob.token}` },
        signal: leave.signal,
      }).catch(() => "left"),
    );
    await parked(20);
    leave.abort();
    expect(await Promise.all(calls)).toEqual(Array(20).fill("left"));
    await parked(0);
  });

  test("a relay that stops answers those who wait for an inbox", async () => {
    const { read, parked, restart } = await withInbox();
    const waiting = read("?waitSeconds=60");
    await parked(1);
    await restart();
    expect(await waiting).toMatchObject({ status: 200, body: { items: [] } });
  });
});
