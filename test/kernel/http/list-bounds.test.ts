import { describe, expect, test } from "bun:test";
import { PAGE_BYTES } from "../../../src/kernel/pages.ts";
import type { Answered } from "../../support/relay.ts";
import { startCrew } from "../../support/work.ts";

type Crew = Awaited<ReturnType<typeof startCrew>>;

const KIB = 1024;
/** Six bytes of JSON for one of text. */
const CONTROL = "\u0001".repeat(150 * KIB);
/** Three bytes for one UTF-16 unit. */
const CHINESE = "信".repeat(80 * KIB);

/** Every page of a list, each held against what a page may hold. */
async function everyItem(crew: Crew, path: string, token?: string): Promise<Answered["body"][]> {
  const found: Answered["body"][] = [];
  let pages = 0;
  for (let page: string | null = ""; page !== null; pages++) {
    const query = `${path.includes("?") ? "&" : "?"}limit=500${page && `&page=${encodeURIComponent(page)}`}`;
    const { status, body } = await crew.ask("GET", `${path}${query}`, undefined, token ? { token } : {});
    expect(status).toBe(200);
    const items = body.items ?? body.events;
    expect(items.length).toBeGreaterThan(0);
    if (items.length > 1)
      expect(Buffer.byteLength(JSON.stringify(items))).toBeLessThanOrEqual(PAGE_BYTES + items.length + 1);
    found.push(...items);
    page = body.nextPage;
  }
  expect(pages).toBeGreaterThan(1);
  return found;
}

const send = async (crew: Crew, fields: Record<string, unknown>): Promise<number> =>
  (await crew.ask("POST", "/v1/messages", { to: "ann", ...fields }, crew.boss)).body.id;

async function sendMany(crew: Crew, count: number, fields: Record<string, unknown>): Promise<number[]> {
  const ids: number[] = [];
  for (let i = 0; i < count; i++) ids.push(await send(crew, fields));
  return ids;
}

describe("a page of a list ends at 4 MiB, and the next goes on where it ended", () => {
  test.each([
    ["control characters", CONTROL],
    ["Chinese", CHINESE],
  ])(
    "a page of messages, threads and histories in %s ends at 4 MiB, and the next goes on where it ended",
    async (_, body) => {
      const crew = await startCrew();
      const root = await send(crew, { body: "root" });
      const ids = [root, ...(await sendMany(crew, 22, { body, replyTo: root }))];
      const idsOf = async (path: string) =>
        (await everyItem(crew, path)).map((item) => item.id).sort((a: number, b: number) => a - b);
      expect(await idsOf("/v1/messages")).toEqual(ids);
      expect(await idsOf(`/v1/threads/${root}`)).toEqual(ids);
      expect(await idsOf("/v1/history")).toEqual(ids);
    },
  );

  test("a page of an inbox, counted as it is sent, ends at 4 MiB, and the next goes on where it ended", async () => {
    const crew = await startCrew();
    const ids = await sendMany(crew, 22, { body: CONTROL });
    const seen: number[] = [];
    for (let more = true; more; ) {
      const path = `/v1/agents/ann/inbox?limit=500&after=${seen.at(-1) ?? 0}`;
      const { body } = await crew.ask("GET", path, undefined, crew.ann);
      expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThanOrEqual(PAGE_BYTES + 2 * KIB);
      seen.push(...body.items.map((item: { id: number }) => item.id));
      more = body.more;
    }
    expect(seen).toEqual(ids);
  });

  test("a page of schedules, of both kinds, ends at 4 MiB, and the next goes on where it ended", async () => {
    const crew = await startCrew();
    const body = "x".repeat(250 * KIB);
    const deliverAt = new Date(crew.clock.now() + 86_400_000).toISOString();
    for (let i = 0; i < 12; i++) {
      expect((await crew.ask("POST", "/v1/messages", { to: "ann", body, deliverAt }, crew.boss)).status).toBe(202);
      const message = { to: "ann", body };
      const schedule = { at: deliverAt, message };
      expect((await crew.ask("POST", "/v1/schedules", schedule, crew.boss)).status).toBe(201);
    }
    const found = await everyItem(crew, "/v1/schedules");
    expect(new Set(found.map((item) => item.id)).size).toBe(24);
    expect(found).toHaveLength(24);
  });

  test("a page of agents ends at 4 MiB, and the next goes on where it ended", async () => {
    const crew = await startCrew();
    const meta = { note: "x".repeat(60 * KIB) };
    for (let i = 0; i < 100; i++) await crew.ask("PUT", `/v1/agents/large-${i}`, { name: `Large ${i}`, meta });
    const found = await everyItem(crew, "/v1/agents");
    expect(found.filter((agent) => agent.id.startsWith("large-"))).toHaveLength(100);
    expect(new Set(found.map((agent) => agent.id)).size).toBe(found.length);
  });

  test("a page of tasks and delegations ends at 4 MiB, and the next goes on where it ended", async () => {
    const crew = await startCrew();
    const text = "x".repeat(200 * KIB);
    for (let i = 0; i < 25; i++) {
      expect(
        (await crew.ask("POST", "/v1/tasks", { title: `${i}`, body: text, target: "ann" }, crew.boss)).status,
      ).toBe(201);
      expect((await crew.ask("POST", "/v1/delegations", { to: "ann", text }, crew.boss)).status).toBe(201);
    }
    expect(await everyItem(crew, "/v1/tasks")).toHaveLength(25);
    expect(await everyItem(crew, "/v1/delegations")).toHaveLength(25);
  });

  test("a page of A2A tasks with all that was said about them ends at 4 MiB, and the next goes on where it ended", async () => {
    const crew = await startCrew();
    const text = "x".repeat(200 * KIB);
    for (let i = 0; i < 8; i++) {
      const { id, messageId } = (await crew.ask("POST", "/v1/delegations", { to: "ann", text: "work" }, crew.boss))
        .body;
      for (let n = 0; n < 4; n++)
        await crew.ask("POST", "/v1/messages", { to: "boss", body: text, replyTo: messageId, kind: "chat" }, crew.ann);
      expect(id).toBeString();
    }
    const headers = { "a2a-version": "1.0" };
    const ids: string[] = [];
    let pages = 0;
    for (let token = ""; pages === 0 || token; pages++) {
      const path = `/a2a/ann/tasks?pageSize=100${token && `&pageToken=${token}`}`;
      const { status, body } = await crew.ask("GET", path, undefined, { ...crew.boss, headers });
      expect(status).toBe(200);
      expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThan(PAGE_BYTES + 16 * KIB);
      ids.push(...body.tasks.map((task: { id: string }) => task.id));
      token = body.nextPageToken;
    }
    expect(pages).toBeGreaterThan(1);
    expect(new Set(ids).size).toBe(8);
    expect(ids).toHaveLength(8);
  });

  test("a page of claims that are held, and of dead letters, ends at 4 MiB, and the next goes on where it ended", async () => {
    const crew = await startCrew();
    const ids: number[] = [];
    for (let i = 0; i < 12; i++)
      ids.push(await crew.open({ body: CHINESE, payload: { list: "x".repeat(50_000) }, maxAttempts: 1 }));
    for (let i = 0; i < 12; i++) ids.push(await crew.open({ body: CONTROL, maxAttempts: 1 }));
    let claimed: { message: { id: number }; claim: { token: string } }[] = [];
    for (let some = claimed; claimed.length < ids.length; claimed = claimed.concat(some)) {
      const answer = await crew.ask("POST", "/v1/agents/ann/claims", { max: 100 }, crew.ann);
      some = answer.body.items;
      expect(Buffer.byteLength(JSON.stringify(some.slice(0, -1)))).toBeLessThanOrEqual(PAGE_BYTES + KIB);
    }
    const held = await everyItem(crew, "/v1/agents/ann/claims", crew.ann.token);
    expect(held.map((one) => one.message.id)).toEqual(ids);
    for (const { message, claim } of claimed)
      await crew.ask("POST", `/v1/messages/${message.id}/fail`, { token: claim.token, error: "no" }, crew.ann);
    expect((await everyItem(crew, "/v1/dead-letters")).map((one) => one.id).sort((a, b) => a - b)).toEqual(ids);
  });
});

describe("readers of a thread's messages", () => {
  test("readers of a thread's messages are the same for the message alone and within its thread", async () => {
    const crew = await startCrew();
    const root = await send(crew, { to: "tag:crew", body: "root" });
    const second = await send(crew, { to: "tag:crew", body: "second", replyTo: root });
    await crew.ask("POST", "/v1/agents/ann/inbox/ack", { upTo: root }, crew.ann);
    await crew.ask("POST", `/v1/messages/${second}/read`, {}, crew.ben);
    const { body } = await crew.ask("GET", `/v1/threads/${root}`);
    expect(body.items.map((item: { readBy: string[] }) => item.readBy)).toEqual([["ann"], ["ben"]]);
    for (const { id, readBy } of body.items) expect((await crew.look(id)).readBy).toEqual(readBy);
  });

  test("a page of a thread names no more readers than there is room for, and ends", async () => {
    const crew = await startCrew();
    const many = Array.from({ length: 300 }, (_, i) => `reader-${String(i).padStart(3, "0")}`);
    for (const id of many) await crew.ask("PUT", `/v1/agents/${id}`, { name: id, tags: ["readers"] });
    const root = await send(crew, { to: "tag:readers", body: "root" });
    const replies = Array.from({ length: 60 }, () => ({ to: "tag:readers", body: "more", replyTo: root }));
    await crew.ask("POST", "/v1/messages/batch", { messages: replies }, crew.boss);
    for (const id of many) await crew.ask("POST", `/v1/agents/${id}/inbox/ack`, { upTo: root + 60 });
    const first = (await crew.ask("GET", `/v1/threads/${root}?limit=500`)).body;
    expect(first.items.length).toBeLessThan(61);
    expect(first.items[0].readBy).toEqual(many);
    const rest = (await crew.ask("GET", `/v1/threads/${root}?limit=500&page=${first.nextPage}`)).body;
    expect(first.items.length + rest.items.length).toBe(61);
    expect(rest.items.at(-1).readBy).toEqual(many);
  });
});
