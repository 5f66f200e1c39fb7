import { describe, expect, test } from "bun:test";
import { startCrew, type Worker } from "../../support/work.ts";

const BATCH = "/v1/messages/batch";

async function startBatches() {
  const crew = await startCrew();
  return {
    crew,
    send: (
      messages: unknown,
      key: string | undefined,
      { by = crew.boss, path = BATCH }: { by?: Worker; path?: string } = {},
    ) => crew.ask("POST", path, { messages }, { ...by, headers: key === undefined ? {} : { "idempotency-key": key } }),
    came: async () => (await crew.inbox(crew.ann)).map(({ body }) => body),
  };
}

const idsOf = ({ body }: { body: { items: { id: number }[] } }) => body.items.map(({ id }) => id);
const one = { to: "ann", body: "one" };
const two = { to: "ann", body: "two" };

describe("a batch under the header Idempotency-Key", () => {
  for (const path of [BATCH, `${BATCH}?atomic=false`])
    test(`G5: a batch that is sent again with its key is stored once, at ${path}`, async () => {
      const { send, came } = await startBatches();
      const first = await send([one, { ...two, idempotencyKey: "own" }], "BK", { path });
      expect(first.headers.get("idempotent-replayed")).toBeNull();
      const again = await send([one, { ...two, idempotencyKey: "own" }], "BK", { path });
      expect([first.status, again.status]).toEqual([path === BATCH ? 201 : 200, 200]);
      expect(again.headers.get("idempotent-replayed")).toBe("true");
      expect(idsOf(again)).toEqual(idsOf(first));
      expect(again.body.items).toMatchObject([{ replayed: true }, { replayed: true, idempotencyKey: "own" }]);
      expect(await came()).toEqual(["one", "two"]);
    });

  test("G5: other content under the same key is refused with its place, and stores nothing", async () => {
    const { send, came } = await startBatches();
    await send([one], "BK");
    expect(await send([two], "BK")).toMatchObject({ status: 422, body: { code: "idempotency-mismatch" } });
    expect(await send([one, two], "BK")).toMatchObject({ status: 422, body: { code: "idempotency-mismatch" } });
    const each = await send([two, one], "BK", { path: `${BATCH}?atomic=false` });
    expect(each.body.items).toMatchObject([{ problem: { code: "idempotency-mismatch" } }, { status: 201 }]);
    expect(await came()).toEqual(["one", "one"]);
  });

  test("G5: the same key of two senders, and a key of the greatest length, each name their own batch", async () => {
    const { crew, send, came } = await startBatches();
    const long = "k".repeat(255);
    const ids = [await send([one], "BK"), await send([one], "BK", { by: crew.ben }), await send([one], long)].map(
      idsOf,
    );
    expect(new Set(ids.flat()).size).toBe(3);
    expect(idsOf(await send([one], long))).toEqual(ids[2] ?? []);
    expect((await send([one], "k".repeat(256))).status).toBe(422);
    expect(await came()).toHaveLength(3);
  });

  test("G5: a batch whose messages all have keys of their own is answered 200 when it is sent again, and 201 when one is new", async () => {
    const { send } = await startBatches();
    const [a, b] = [
      { ...one, idempotencyKey: "a" },
      { ...two, idempotencyKey: "b" },
    ];
    expect((await send([a], undefined)).status).toBe(201);
    expect((await send([a, b], undefined)).status).toBe(201);
    const again = await send([a, b], undefined);
    expect([again.status, again.headers.get("idempotent-replayed")]).toEqual([200, "true"]);
  });

  test("a refused message of a batch with atomic=false is tried again with its key, and the others are not", async () => {
    const { crew, send, came } = await startBatches();
    const path = `${BATCH}?atomic=false`;
    const messages = [one, { to: "zoe", body: "for zoe" }];
    expect((await send(messages, "BK", { path })).body.items).toMatchObject([{ status: 201 }, { problem: {} }]);
    await crew.agent("zoe");
    expect((await send(messages, "BK", { path })).body.items).toMatchObject([{ status: 200 }, { status: 201 }]);
    expect(await came()).toEqual(["one"]);
  });
});
