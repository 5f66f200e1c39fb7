import { describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { startRelay, type TestRelay } from "../../support/relay.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Values in memory that the tables do not say. */
async function differing({ relay }: TestRelay): Promise<string[]> {
  const { db } = relay;
  return db.read(async (on) =>
    db.kept.flatMap(({ name, known, load, fits = Bun.deepEquals }) =>
      [...known()].flatMap(([key, value]) => {
        const stored = load(on, key as never);
        return fits(value as never, stored as never)
          ? []
          : [`${name}, ${key}: ${JSON.stringify(value)} is ${JSON.stringify(stored)}`];
      }),
    ),
  );
}

describe("rows in memory", () => {
  test("each way to write leaves in memory what the tables say", async () => {
    const world = await startRelay({ retentionDays: 1 });
    const { ask, agent, pass, clock } = world;
    const alice = await agent("alice", { tags: ["pool"] });
    const bob = await agent("bob", { tags: ["pool"] });
    let keys = 0;
    const known: number[] = [];
    /** A send asks for all that is held in memory; so does each by the other. */
    const look = async (what: string) => {
      for (const [to, by] of [
        ["bob", alice],
        ["alice", bob],
        ["tag:pool", alice],
      ] as const)
        await ask("POST", "/v1/messages", { to, body: "x", idempotencyKey: `look-${++keys}` }, by);
      expect({ what, differing: await differing(world) }).toEqual({ what, differing: [] });
      known.push(world.relay.db.kept.reduce((sum, one) => sum + one.known().size, 0));
    };
    const step = async <T>(what: string, work: () => Promise<{ status: number; body: T }>): Promise<T> => {
      await look(`before ${what}`);
      const { status, body } = await work();
      if (status >= 300) throw new Error(`${what}: ${JSON.stringify(body)}`);
      await look(what);
      return body;
    };

    await step("a registration", () =>
      ask("PUT", "/v1/agents/bob", { name: "Bob", tags: ["pool"], instanceId: "i1" }, bob),
    );
    await step("another group", () => ask("PATCH", "/v1/agents/bob", { tags: ["other"] }, bob));
    await step("the group again", () => ask("PATCH", "/v1/agents/bob", { tags: ["pool"] }, bob));
    await step("a change", () => ask("PATCH", "/v1/agents/bob", { ready: false }, bob));
    await step("another change", () => ask("PATCH", "/v1/agents/bob", { ready: true }, bob));
    const { head } = await step<{ head: number }>("a poll", () =>
      ask("GET", "/v1/agents/alice/inbox", undefined, alice),
    );
    await step("an ack", () => ask("POST", "/v1/agents/alice/inbox/ack", { upTo: head }, alice));
    await pass(2000);
    await look("saved deliveries");

    const work = { to: "bob", body: "x", claimable: true };
    const sent = await step<{ id: number }>("work", () => ask("POST", "/v1/messages", work, alice));
    const claim = async () =>
      (await step<{ claim: { token: string } }>("a claim", () => ask("POST", `/v1/messages/${sent.id}/claim`, {}, bob)))
        .claim.token;
    const token = await claim();
    await step("a release", () => ask("POST", `/v1/messages/${sent.id}/release`, { token }, bob));
    const again = await claim();
    await step("a completion", () => ask("POST", `/v1/messages/${sent.id}/complete`, { token: again }, bob));
    const late = await step<{ id: number }>("work again", () => ask("POST", "/v1/messages", work, alice));
    await step("a short lease", () => ask("POST", `/v1/messages/${late.id}/claim`, { leaseSeconds: 30 }, bob));
    await pass(60_000);
    await look("an expired lease");
    await step("a cancellation", () => ask("POST", `/v1/messages/${late.id}/cancel`, {}, alice));

    const pool = Array(70).fill({ ...work, to: "tag:pool" });
    const next = () => ask("POST", "/v1/agents/bob/claims", { max: 3 }, bob);
    await step("a claim of the next work, of which there is none", next);
    await step("more work than memory holds", () => ask("POST", "/v1/messages/batch", { messages: pool }, alice));
    for (let n = 0; n < 24; n++) await next();
    await step("claims to the end", next);

    const made = await step<{ id: string }>("a task", () => ask("POST", "/v1/tasks", { title: "x", target: "bob" }));
    await step("a cancelled task", () => ask("POST", `/v1/tasks/${made.id}/status`, { status: "cancelled" }));

    const deliverAt = new Date(clock.now() + HOUR_MS).toISOString();
    const planned = { to: "bob", body: "x", deliverAt, idempotencyKey: "plan" };
    const plan = await step<{ scheduleId: string }>("a plan", () => ask("POST", "/v1/messages", planned, alice));
    await step("a withdrawn plan", () => ask("DELETE", `/v1/schedules/${plan.scheduleId}`, undefined, alice));
    await step("a plan again", () => ask("POST", "/v1/messages", { ...planned, idempotencyKey: "more" }, alice));
    await pass(2 * HOUR_MS);
    await look("a plan that was sent");

    const events = ["message.created"];
    const hook = await step<{ id: string }>("a webhook", () =>
      ask("POST", "/v1/webhooks", { url: "http://127.0.0.1:1/", events }),
    );
    await step("a paused webhook", () => ask("PATCH", `/v1/webhooks/${hook.id}`, { status: "paused" }));
    await step("a removed webhook", () => ask("DELETE", `/v1/webhooks/${hook.id}`));

    const refused = await ask("POST", "/v1/messages/batch", {
      messages: [
        { to: "bob", body: "x" },
        { to: "nobody", body: "x" },
      ],
    });
    expect(refused.status).toBe(422);
    await look("a batch that was rolled back");

    await step("a deleted agent", () => ask("DELETE", "/v1/agents/bob"));
    await step("a restored agent", () => ask("POST", "/v1/agents/bob/restore", {}));
    await pass(3 * DAY_MS);
    await pass(HOUR_MS);
    await look("retention");
    expect(Math.min(...known)).toBeGreaterThan(5);
  });

  test("G4: memory that is wrong gives no work twice: the claim stores nothing, and the next one asks the table", async () => {
    const { ask, agent, relay } = await startRelay();
    const [ann, bob] = [await agent("ann", { tags: ["pool"] }), await agent("bob", { tags: ["pool"] })];
    const open = async () =>
      (await ask("POST", "/v1/messages", { to: "tag:pool", body: "x", claimable: true })).body.id as number;
    const claim = (by: { id: string; token: string }) => ask("POST", `/v1/agents/${by.id}/claims`, {}, by);
    await open();
    await claim(ann);
    const [taken, left] = [await open(), await open()];
    const was = sql`update work set state = 'claimed', holder = 'bob', fence = 1 where message_id = ${taken}`;
    await relay.db.write(async (tx) => tx.db.run(was));
    expect((await claim(ann)).status).toBe(500);
    expect((await claim(ann)).body.items).toMatchObject([{ message: { id: left } }]);
    expect((await claim(bob)).body.items).toEqual([]);
  });
});
