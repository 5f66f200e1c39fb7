import { describe, expect, test } from "bun:test";
import { startCrew } from "../../support/work.ts";

describe("which work comes first", () => {
  test("urgent work comes first, then the oldest, over all that an agent belongs to", async () => {
    const { open, claim, ann } = await startCrew();
    const old = await open();
    const older = await open({ to: "ann" });
    const urgent = await open({ urgent: true });
    const everybodys = await open({ to: "broadcast" });
    const alsoUrgent = await open({ to: "ann", urgent: true });
    const order = [];
    for (let i = 0; i < 5; i++) order.push(...(await claim(ann)).map((held) => held.message.id));
    expect(order).toEqual([urgent, alsoUrgent, old, older, everybodys]);
    expect(await claim(ann)).toEqual([]);
  });

  test("several pieces claimed at once come in the same order, no more than asked for", async () => {
    const { open, claim, ann } = await startCrew();
    const ids = [await open(), await open(), await open({ urgent: true }), await open()];
    const first = await claim(ann, { max: 3 });
    expect(first.map((held) => held.message.id)).toEqual([ids[2], ids[0], ids[1]] as number[]);
    expect(first.every((held) => held.message.state === "claimed")).toBe(true);
    expect((await claim(ann, { max: 3 })).map((held) => held.message.id)).toEqual([ids[3] as number]);
  });

  test("kinds and topics narrow a claim, each by itself and both together", async () => {
    const { open, claim, ann } = await startCrew();
    const plain = await open();
    const built = await open({ topic: "build" });
    const shipped = await open({ topic: "ship" });
    const asked = await open({ kind: "chat", topic: "ship" });
    const urgent = await open({ kind: "chat", topic: "build", urgent: true });
    const ids = async (want: object) => (await claim(ann, { max: 10, ...want })).map((held) => held.message.id);
    expect(await ids({ topics: ["none"] })).toEqual([]);
    expect(await ids({ kinds: ["control"] })).toEqual([]);
    expect(await ids({ kinds: ["chat"], topics: ["ship"] })).toEqual([asked]);
    expect(await ids({ topics: ["ship", "build"] })).toEqual([urgent, built, shipped]);
    expect(await ids({ kinds: ["task", "chat"] })).toEqual([plain]);
  });

  test("a kind that lies in very many topics is found in each of them, urgent first", async () => {
    const { open, claim, ann } = await startCrew();
    const ids = [];
    for (let i = 0; i < 150; i++) ids.push(await open({ topic: `topic-${(i * 7) % 150}`, urgent: i === 120 }));
    await open({ kind: "chat", topic: "topic-0", urgent: true });
    const [urgent] = ids.splice(120, 1);
    const claimed = [];
    while (claimed.length < 150) claimed.push(...(await claim(ann, { kinds: ["task"], max: 50 })));
    expect(claimed.map((held) => held.message.id)).toEqual([urgent as number, ...ids]);
  });

  test("more work than memory holds comes in order, whatever else became of some of it", async () => {
    const { ask, open, claim, take, end, ann, boss } = await startCrew();
    const messages = Array.from({ length: 150 }, (_, n) => ({
      ...{ to: n % 5 === 0 ? "ann" : "tag:crew", body: "work", claimable: true },
      ...(n % 40 === 39 && { urgent: true }),
    }));
    // From here on memory knows that ann has no work.
    expect(await claim(ann)).toEqual([]);
    const { items } = (await ask("POST", "/v1/messages/batch", { messages }, boss)).body;
    const left = new Map<number, boolean>(items.map(({ id, urgent }: { id: number; urgent: boolean }) => [id, urgent]));
    const first = await take(ann);
    const late = await open({ urgent: true });
    left.set(late, true);
    const cancelled = [items[1].id, items[70].id, items[149].id];
    for (const id of cancelled) {
      await ask("POST", `/v1/messages/${id}/cancel`, {}, boss);
      left.delete(id);
    }
    const named = (await ask("POST", `/v1/messages/${items[80].id}/claim`, {}, ann)).body;
    await end("release", ann, named);
    await end("release", ann, first);
    const order = [...left].sort(([a, soon], [b, sooner]) => Number(sooner) - Number(soon) || a - b).map(([id]) => id);
    const claimed = [];
    while (claimed.length < order.length) claimed.push(...(await claim(ann, { max: 7 })));
    expect(claimed.map(({ message }) => message.id)).toEqual(order);
    expect(await claim(ann)).toEqual([]);
  });

  test("who joined a group later may claim what was open before, and reads it", async () => {
    const { open, claim, take, agent, ask, inbox } = await startCrew();
    const id = await open();
    const late = await agent("late", { tags: ["crew"] });
    expect((await inbox(late)).map((item) => item.id)).not.toContain(id);
    expect((await ask("GET", `/v1/messages/${id}`, undefined, late)).status).toBe(200);
    expect((await take(late)).message.id).toBe(id);
    const stranger = await agent("stranger");
    await open();
    expect(await claim(stranger)).toEqual([]);
  });

  test("who left the group may claim nothing of it any more", async () => {
    const { open, claim, ask, ann } = await startCrew();
    const id = await open();
    await ask("PATCH", "/v1/agents/ann", { tags: [] }, ann);
    expect(await claim(ann)).toEqual([]);
    const one = await ask("POST", `/v1/messages/${id}/claim`, {}, ann);
    expect(one).toMatchObject({ status: 403, body: { code: "not-a-target" } });
  });

  test("ready: false keeps an agent out of claims, of the next and of a named one", async () => {
    const { open, claim, ask, ann, ben } = await startCrew();
    const id = await open();
    await ask("POST", "/v1/agents/ann/heartbeat", { ready: false }, ann);
    expect(await claim(ann)).toEqual([]);
    expect(await ask("POST", `/v1/messages/${id}/claim`, {}, ann)).toMatchObject({ status: 409 });
    await ask("POST", "/v1/agents/ann/heartbeat", { ready: true }, ann);
    expect((await claim(ann)).map((held) => held.message.id)).toEqual([id]);
    expect(await claim(ben)).toEqual([]);
  });
});
