import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { listen } from "../../support/listen.ts";
import { startRelay } from "../../support/relay.ts";
import { openStream } from "../../support/stream.ts";
import { turns, until } from "../../support/until.ts";

async function withTraffic() {
  const relay = await startRelay({ durability: "normal" });
  const url = listen(relay);
  const bob = await relay.agent("bob", { tags: ["team"] });
  const others = [await relay.agent("ann"), await relay.agent("cleo", { tags: ["team"] })];
  const expected: number[] = [];
  const targets = ["bob", "tag:team", "broadcast", "ann", "cap:none"];
  return {
    ...relay,
    bob,
    expected,
    /** Sends in two other names, to bob, to groups he is in, and to others; several at a time. */
    async send(count: number, seed: number): Promise<void> {
      const drafts = Array.from({ length: count }, (_, i) => ({
        to: targets[(i * 7 + seed) % targets.length],
        body: `message ${seed}.${i} ${"x".repeat((i * 131) % 400)}`,
      }));
      const half = Math.ceil(count / 2);
      const answers = await Promise.all([
        relay.ask("POST", "/v1/messages/batch", { messages: drafts.slice(0, half) }, others[0]),
        ...drafts.slice(half).map((draft) => relay.ask("POST", "/v1/messages", draft, others[1])),
      ]);
      for (const { status, body } of answers) {
        expect(status).toBe(201);
        for (const { id, to } of body.items ?? [body])
          if (to === "bob" || to === "tag:team" || to === "broadcast") expected.push(id);
      }
      expected.sort((a, b) => a - b);
    },
    follow: (after: number) => openStream(`${url}/v1/agents/bob/inbox/stream?after=${after}`, { token: bob.token }),
  };
}

describe("the seam between what is stored and what is live", () => {
  test("G3: followers that connect among thousands of sends have every message once and in order", async () => {
    const { send, follow, expected } = await withTraffic();
    await send(1000, 0);
    const sending = (async () => {
      for (let burst = 1; burst <= 30; burst++) {
        await send(100, burst);
        await turns(burst % 4);
      }
    })();
    const streams = [];
    for (let i = 0; i < 8; i++) {
      const after = (i % 3) * 400;
      streams.push({ after, stream: await follow(after) });
      await turns(i * 3);
    }
    await sending;
    const last = expected.at(-1);
    for (const { after, stream } of streams) {
      await stream.until(() => stream.ids().at(-1) === last, `all up to ${last}`);
      expect(stream.ids()).toEqual(expected.filter((id) => id > after));
    }
  });

  test("G3: who leaves and comes back again and again has every message once and in order", async () => {
    const { send, follow, expected } = await withTraffic();
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            count: fc.integer({ min: 1, max: 60 }),
            wait: fc.integer({ min: 0, max: 6 }),
            take: fc.integer({ min: 0, max: 40 }),
          }),
          { minLength: 2, maxLength: 6 },
        ),
        async (rounds) => {
          const start = expected.at(-1) ?? 0;
          const got: number[] = [];
          let sending: Promise<unknown> = Promise.resolve();
          for (const { count, wait, take } of rounds) {
            sending = Promise.all([sending, send(count, count * 31 + wait)]);
            await turns(wait);
            const stream = await follow(got.at(-1) ?? start);
            await stream.first("hello");
            await turns(wait);
            stream.close();
            // Messages after one that was left unread come again.
            got.push(...stream.ids().slice(0, take));
          }
          await sending;
          const rest = await follow(got.at(-1) ?? start);
          await rest.until(() => rest.ids().at(-1) === expected.at(-1) || got.at(-1) === expected.at(-1));
          rest.close();
          expect([...got, ...rest.ids()]).toEqual(expected.filter((id) => id > start));
        },
      ),
      { numRuns: 25, endOnFailure: true },
    );
  });

  test("G3: changing from polling to a stream and back loses and repeats nothing", async () => {
    const { send, follow, expected, ask, bob } = await withTraffic();
    const got: number[] = [];
    let place = 0;
    let sending: Promise<unknown> = Promise.resolve();
    for (let round = 0; round < 12; round++) {
      sending = Promise.all([sending, send(40, round)]);
      await turns(round % 5);
      if (round % 2) {
        const page = await ask("GET", `/v1/agents/bob/inbox?after=${place}&limit=17`, undefined, bob);
        got.push(...page.body.items.map((item: { id: number }) => item.id));
        place = page.body.next;
      } else {
        const stream = await follow(place);
        await until(() => stream.ids().length > 0);
        stream.close();
        got.push(...stream.ids());
        place = got.at(-1) ?? place;
      }
    }
    await sending;
    for (let more = true; more; ) {
      const page = await ask("GET", `/v1/agents/bob/inbox?after=${place}&limit=100`, undefined, bob);
      got.push(...page.body.items.map((item: { id: number }) => item.id));
      place = page.body.next;
      more = page.body.more;
    }
    expect(got).toEqual(expected);
  });
});
