import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";

async function withThread() {
  const relay = await startRelay({ durability: "normal" });
  const { ask } = relay;
  const ann = await relay.agent("ann");
  const ben = await relay.agent("ben");
  const send = async (who: { token: string } | undefined, to: string, replyTo?: number) =>
    (await ask("POST", "/v1/messages", { to, body: "x", replyTo }, who)).body.id as number;
  const root = await send(ann, "ben");
  const first = await send(ben, "ann", root);
  const second = await send(ann, "ben", first);
  return {
    ...relay,
    ann,
    ben,
    send,
    ids: [root, first, second] as [number, number, number],
    thread: async (id: number, query = "", who?: { token: string }) =>
      (await ask("GET", `/v1/threads/${id}${query}`, undefined, who)).body,
  };
}

const idsOf = (thread: { items: { id: number }[] }) => thread.items.map((item) => item.id);

describe("a thread", () => {
  test("a thread is asked for by any of its messages, and is told from the oldest on", async () => {
    const { thread, send, ann, ids } = await withThread();
    await send(ann, "ben");
    for (const id of ids) {
      const found = await thread(id);
      expect(idsOf(found)).toEqual(ids);
      expect(found).toMatchObject({ root: { id: ids[0] }, participants: ["ann", "ben"], nextPage: null });
    }
  });

  test("a thread says of each message who read it: marked, or acknowledged past", async () => {
    const { thread, ask, ann, ben, ids } = await withThread();
    const readBy = async () => (await thread(ids[0])).items.map((item: { readBy: string[] }) => item.readBy);
    expect(await readBy()).toEqual([[], [], []]);
    await ask("POST", `/v1/messages/${ids[2]}/read`, {}, ben);
    await ask("POST", `/v1/messages/${ids[2]}/read`, {}, ben);
    expect(await readBy()).toEqual([[], [], ["ben"]]);
    await ask("POST", "/v1/agents/ann/inbox/ack", { upTo: ids[1] }, ann);
    expect(await readBy()).toEqual([[], ["ann"], ["ben"]]);
    await ask("POST", "/v1/agents/ben/inbox/ack", { upTo: ids[2] }, ben);
    expect(await readBy()).toEqual([["ben"], ["ann"], ["ben"]]);
  });

  test("a thread of a group says which of its members at that time read it, the sender left out", async () => {
    const { ask, ann, agent } = await withThread();
    const one = await agent("one", { tags: ["t"] });
    const two = await agent("two", { tags: ["t"] });
    await ask("PATCH", "/v1/agents/ann", { tags: ["t"] }, ann);
    const { id } = (await ask("POST", "/v1/messages", { to: "tag:t", body: "x" }, ann)).body;
    const late = await agent("late", { tags: ["t"] });
    for (const who of [one, late, ann]) await ask("POST", `/v1/agents/${who.id}/inbox/ack`, { upTo: id }, who);
    await ask("POST", `/v1/messages/${id}/read`, {}, two);
    expect((await ask("GET", `/v1/messages/${id}`)).body.readBy).toEqual(["one", "two"]);
  });

  test("a thread pages from the oldest on without gaps or repeats, the root on every page", async () => {
    const { thread, send, ann, ids } = await withThread();
    const all: number[] = [...ids];
    for (let i = 0; i < 20; i++) all.push(await send(ann, "ben", ids[0]));
    const seen: number[] = [];
    for (let page: string | null = ""; page !== null; ) {
      const found: Awaited<ReturnType<typeof thread>> = await thread(ids[0], `?limit=4${page ? `&page=${page}` : ""}`);
      expect(found.root.id).toBe(ids[0]);
      seen.push(...idsOf(found));
      page = found.nextPage;
    }
    expect(seen).toEqual(all);
  });

  test("G10: a thread shows an agent its own entries alone", async () => {
    const { thread, send, agent, ben, ids, ask } = await withThread();
    const eve = await agent("eve");
    expect((await ask("GET", `/v1/threads/${ids[0]}`, undefined, eve)).status).toBe(403);
    const aside = await send(ben, "eve", ids[1]);
    const seen = await thread(ids[0], "", eve);
    expect(idsOf(seen)).toEqual([aside]);
    expect(seen).toMatchObject({ root: null, participants: ["ben", "eve"] });
  });

  test("a thread that is long shows an agent what is far down in it: a short page first, never a refusal", async () => {
    const { ask, thread, send, agent, ann, ben, ids } = await withThread();
    const eve = await agent("eve");
    const messages = Array.from({ length: 1000 }, () => ({ to: "ben", body: "x", replyTo: ids[0] }));
    for (let i = 0; i < 3; i++) await ask("POST", "/v1/messages/batch", { messages }, ann);
    const aside = await send(ben, "eve", ids[0]);
    const seen: number[] = [];
    for (let page: string | null = ""; page !== null; ) {
      const found: Awaited<ReturnType<typeof thread>> = await thread(ids[0], page ? `?page=${page}` : "", eve);
      expect(found).not.toHaveProperty("code");
      seen.push(...idsOf(found));
      page = found.nextPage;
    }
    expect(seen).toEqual([aside]);
  });

  test("a thread is one thread however deep the replies go, and a new one for what replies to nothing", async () => {
    const { ask, send, ann, ben, ids } = await withThread();
    const deep = await send(ben, "ann", ids[2]);
    expect((await ask("GET", `/v1/messages/${deep}`)).body.threadId).toBe(ids[0]);
    const own = await send(ann, "ben");
    expect((await ask("GET", `/v1/messages/${own}`)).body.threadId).toBe(own);
  });
});
