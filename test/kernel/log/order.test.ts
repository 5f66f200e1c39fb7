import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { openStream } from "../../support/stream.ts";
import { inTime, turns } from "../../support/until.ts";
import { type Crew, startCrew } from "../../support/work.ts";

const SENDERS = 32;
const EACH = 30;

/** Sends from many at once, some alone and some in batches; answers the ids in the order in which they were answered. */
async function sendAll(crew: Crew): Promise<number[]> {
  const answered: number[] = [];
  await Promise.all(
    Array.from({ length: SENDERS }, async (_, sender) => {
      for (let i = 0; i < EACH; i++) {
        const to = ["ann", "tag:crew", "broadcast", "user"][(sender + i) % 4];
        if (i % 10 === 9) {
          const messages = Array.from({ length: 3 }, (_, n) => ({ to, body: `${sender}.${i}.${n}` }));
          const { body } = await crew.ask("POST", "/v1/messages/batch", { messages }, crew.boss);
          answered.push(...body.items.map((item: { id: number }) => item.id));
        } else {
          const { body } = await crew.ask("POST", "/v1/messages", { to, body: `${sender}.${i}` }, crew.boss);
          answered.push(body.id);
        }
      }
    }),
  );
  return answered;
}

/** Entries for an agent, by an unhurried reader. */
async function storedFor(crew: Crew, id: "ann" | "ben"): Promise<number[]> {
  const stored: number[] = [];
  for (let more = true; more; ) {
    const path = `/v1/agents/${id}/inbox?limit=500&after=${stored.at(-1) ?? 0}`;
    const { body } = await crew.ask("GET", path, undefined, crew[id]);
    stored.push(...body.items.map((item: { id: number }) => item.id));
    more = body.more;
  }
  expect(isAscending(stored)).toBe(true);
  return stored;
}

const isAscending = (ids: readonly number[]) => ids.every((id, i) => i === 0 || id > (ids[i - 1] as number));

describe("G2: ids", () => {
  test("G2: ids ascend in the order of the commits, without gaps, and stand in it as they are answered", async () => {
    const crew = await startCrew();
    const answered = await sendAll(crew);
    const all = answered.toSorted((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: all.length }, (_, i) => i + 1));
    // One who sends again after an answer always gets a higher id.
    const before = (await crew.ask("POST", "/v1/messages", { to: "ann", body: "x" }, crew.boss)).body.id;
    const after = (await crew.ask("POST", "/v1/messages", { to: "ann", body: "x" }, crew.ben)).body.id;
    expect([before, after]).toEqual([all.length + 1, all.length + 2]);
  });

  test("G2: ids of refused writes are given to the next, which nobody can tell", async () => {
    const crew = await startCrew();
    const ids: number[] = [];
    await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const messages = [
          { to: "ann", body: "first" },
          { to: i % 2 ? "ann" : "nobody", body: "second" },
        ];
        const { status, body } = await crew.ask("POST", "/v1/messages/batch", { messages }, crew.boss);
        expect(status).toBe(i % 2 ? 201 : 422);
        if (status === 201) ids.push(...body.items.map((item: { id: number }) => item.id));
      }),
    );
    expect(ids.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  });
});

describe("G2: who has read up to N", () => {
  test("G2: who has read up to N never meets a new entry with an id of N or less, polling while many send", async () => {
    const crew = await startCrew();
    let sending = true;
    const sent = sendAll(crew).finally(() => {
      sending = false;
    });
    const reader = async (id: "ann" | "ben", limit: number) => {
      const seen: number[] = [];
      let after = 0;
      for (let more = true; more; ) {
        // Messages sent before this page was asked for are in it, or in one after it.
        const mayGrow = sending;
        const { body } = await crew.ask(
          "GET",
          `/v1/agents/${id}/inbox?after=${after}&limit=${limit}`,
          undefined,
          crew[id],
        );
        for (const item of body.items) expect(item.id).toBeGreaterThan(after);
        expect(body.next).toBeLessThanOrEqual(body.head);
        seen.push(...body.items.map((item: { id: number }) => item.id));
        after = body.next;
        more = body.more || mayGrow;
        // Reads alone would never let the writes of the same process have their turn.
        await turns(1);
      }
      return seen;
    };
    const reads = await Promise.all([reader("ann", 7), reader("ann", 500), reader("ben", 50)]);
    await sent;
    for (const [i, id] of (["ann", "ann", "ben"] as const).entries()) {
      expect(reads[i]).toEqual(await storedFor(crew, id));
    }
  });

  test("G2: who has read up to N meets everything once and in order on streams that begin and end while many send", async () => {
    const crew = await startCrew();
    const url = listen(crew);
    let sending = true;
    const sent = sendAll(crew).finally(() => {
      sending = false;
    });
    const seen: number[] = [];
    /** Reads on from the last that it has had, until some more came; then leaves. */
    const follow = async (until: number): Promise<void> => {
      const stream = await openStream(`${url}/v1/agents/ann/inbox/stream`, {
        token: crew.ann.token,
        headers: { "last-event-id": String(seen.at(-1) ?? 0) },
      });
      const some = () => stream.events.filter((event) => event.id !== undefined).length;
      // Fewer may be left once the last one is sent.
      await stream.until(() => some() >= until || (until > 1 && !sending));
      stream.close();
      seen.push(...stream.ids());
    };
    while (sending) await follow(5);
    const answered = await sent;
    const last = (await crew.ask("POST", "/v1/messages", { to: "ann", body: "last" }, crew.boss)).body.id;
    while (seen.at(-1) !== last) await inTime(follow(1), "the stream goes on");
    expect(seen).toEqual(await storedFor(crew, "ann"));
    expect(seen.length).toBeGreaterThan(answered.length / 2);
  });
});
