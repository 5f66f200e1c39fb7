import { describe, expect, test } from "bun:test";
import { metric, parked } from "../../support/metrics.ts";
import { inTime, turns } from "../../support/until.ts";
import { type Crew, type Held, startCrew, type Worker } from "../../support/work.ts";

interface Waiting {
  /** The answer, once there is one. */
  items: Held[] | undefined;
  answer: Promise<Held[]>;
  leave(): void;
}

/** A claimer that waits; it is in the queue when this comes back. */
async function wait(crew: Crew, worker: Worker, already: number, want: object = {}): Promise<Waiting> {
  const gone = new AbortController();
  const asked = crew.ask(
    "POST",
    `/v1/agents/${worker.id}/claims`,
    { waitSeconds: 60, ...want },
    {
      token: worker.token,
      signal: gone.signal,
    },
  );
  const waiting: Waiting = {
    items: undefined,
    answer: asked.then(({ body }) => {
      waiting.items = body.items ?? [];
      return waiting.items as Held[];
    }),
    leave: () => gone.abort(),
  };
  await parked(crew, already + 1);
  return waiting;
}

const got = async (waiting: Waiting) =>
  (await inTime(waiting.answer, "a parked claimer is answered")).map((h) => h.message.id);

describe("parked claimers", () => {
  test("parked claimers queue: one piece of work wakes the one that came first, and no other", async () => {
    const crew = await startCrew();
    const waiting = [await wait(crew, crew.ben, 0), await wait(crew, crew.ann, 1), await wait(crew, crew.ben, 2)];
    for (const [i, one] of waiting.entries()) {
      const id = await crew.open();
      expect(await got(one)).toEqual([id]);
      await turns();
      expect(waiting.slice(i + 1).map((other) => other.items)).toEqual(waiting.slice(i + 1).map(() => undefined));
      await parked(crew, 2 - i);
    }
  });

  test("parked claimers are woken by what they asked for alone", async () => {
    const crew = await startCrew();
    const picky = await wait(crew, crew.ann, 0, { topics: ["ship"] });
    const requests = await wait(crew, crew.ann, 1, { kinds: ["chat"] });
    const built = await crew.open({ topic: "build" });
    const shipped = await crew.open({ topic: "ship" });
    expect(await got(picky)).toEqual([shipped]);
    await turns();
    expect(requests.items).toBeUndefined();
    const asked = await crew.open({ kind: "chat" });
    expect(await got(requests)).toEqual([asked]);
    expect((await crew.take(crew.ben)).message.id).toBe(built);
  });

  test("parked claimers that a hold stands over let the next one have the work, and are woken by the lift", async () => {
    const crew = await startCrew();
    await crew.ask("PUT", "/v1/agents/ann", { name: "ann", tags: ["crew", "frozen"] });
    const hold = await crew.ask("POST", "/v1/holds", { scope: { tag: "frozen" }, reason: "frozen" });
    const held = [await wait(crew, crew.ann, 0), await wait(crew, crew.ann, 1)];
    const free = [await wait(crew, crew.ben, 2), await wait(crew, crew.ben, 3)];
    for (const one of free) {
      const id = await crew.open();
      expect(await got(one)).toEqual([id]);
    }
    const left = [await crew.open(), await crew.open()];
    await turns();
    expect(held.map(({ items }) => items)).toEqual([undefined, undefined]);
    await crew.ask("DELETE", `/v1/holds/${hold.body.id}`);
    await crew.pass(0);
    expect((await Promise.all(held.map(got))).flat().sort()).toEqual(left);
  });

  test("parked claimers that found other work first leave what woke them to the next one", async () => {
    const crew = await startCrew();
    const chats = await wait(crew, crew.ann, 0, { kinds: ["chat"] });
    const any = [await wait(crew, crew.ben, 1), await wait(crew, crew.ben, 2)] as const;
    const work = { to: "tag:crew", body: "work", claimable: true };
    const messages = [work, { ...work, kind: "chat", urgent: true }];
    const { items } = (await crew.ask("POST", "/v1/messages/batch", { messages }, crew.boss)).body;
    // The second wakes ann, and the first wakes ben, who takes the second as it is urgent.
    expect(await got(any[0])).toEqual([items[1].id]);
    expect(await got(any[1])).toEqual([items[0].id]);
    expect(chats.items).toBeUndefined();
  });

  test("parked claimers are answered with nothing when their time is up", async () => {
    const crew = await startCrew();
    const waiting = await wait(crew, crew.ann, 0, { waitSeconds: 20 });
    await crew.pass(19_999);
    await turns();
    expect(waiting.items).toBeUndefined();
    crew.clock.advance(1);
    expect(await got(waiting)).toEqual([]);
    await parked(crew, 0);
  });

  test("parked claimers are woken by a lease that runs out, a release, a delay that ends, and a requeue", async () => {
    const crew = await startCrew();
    const id = await crew.open({ maxAttempts: 4 });
    await crew.take(crew.ann, { leaseSeconds: 30 });
    const first = await wait(crew, crew.ben, 0);
    crew.clock.advance(30_000);
    expect(await got(first)).toEqual([id]);

    const second = await wait(crew, crew.ann, 0);
    const [held] = (await first.answer) as [Held];
    await crew.end("release", crew.ben, held);
    expect(await got(second)).toEqual([id]);

    const third = await wait(crew, crew.ben, 0);
    const [again] = (await second.answer) as [Held];
    await crew.end("fail", crew.ann, again, { error: "busy", retryAfterSeconds: 10 });
    crew.clock.advance(10_000);
    expect(await got(third)).toEqual([id]);

    const [last] = (await third.answer) as [Held];
    await crew.end("fail", crew.ben, last, { error: "no", final: true });
    const fourth = await wait(crew, crew.ann, 0);
    await crew.ask("POST", `/v1/messages/${id}/requeue`);
    expect(await got(fourth)).toEqual([id]);
  });

  test("parked claimers that have left take nothing: the next one gets the work", async () => {
    const crew = await startCrew();
    const left = await wait(crew, crew.ann, 0);
    const next = await wait(crew, crew.ben, 1);
    left.leave();
    const id = await crew.open();
    expect(await got(next)).toEqual([id]);
    expect((await crew.look(id)).claim.agentId).toBe("ben");
  });

  test("parked claimers that are not ready are passed over, and look again when they are", async () => {
    const crew = await startCrew();
    const unready = await wait(crew, crew.ann, 0);
    await crew.ask("POST", "/v1/agents/ann/heartbeat", { ready: false }, crew.ann);
    const next = await wait(crew, crew.ben, 1);
    const id = await crew.open();
    expect(await got(next)).toEqual([id]);
    const waitingFor = await crew.open();
    await turns();
    expect(unready.items).toBeUndefined();
    await crew.ask("POST", "/v1/agents/ann/heartbeat", { ready: true }, crew.ann);
    expect(await got(unready)).toEqual([waitingFor]);
  });

  test("parked claimers that left the group do not keep its work from the others", async () => {
    const crew = await startCrew();
    const leaver = await wait(crew, crew.ann, 0);
    const next = await wait(crew, crew.ben, 1);
    await crew.ask("PATCH", "/v1/agents/ann", { tags: ["other"] }, crew.ann);
    await parked(crew, 2);
    const id = await crew.open();
    expect(await got(next)).toEqual([id]);
    expect(leaver.items).toBeUndefined();
    // And it is woken for the group that it has joined meanwhile.
    const other = await crew.open({ to: "tag:other" });
    expect(await got(leaver)).toEqual([other]);
  });

  test("parked claimers whose token is revoked are cut off, and leave no trace in the queue", async () => {
    const crew = await startCrew();
    const cut = await wait(crew, crew.ann, 0);
    const next = await wait(crew, crew.ben, 1);
    const { items } = (await crew.ask("GET", "/v1/tokens")).body;
    const token = items.find((one: { agentId: string }) => one.agentId === "ann");
    await crew.ask("DELETE", `/v1/tokens/${token.id}`);
    await inTime(cut.answer, "the revoked claimer is answered");
    const id = await crew.open();
    expect(await got(next)).toEqual([id]);
    await parked(crew, 0);
    expect(await metric(crew, "signalbox_connections")).toBe(0);
  });
});
