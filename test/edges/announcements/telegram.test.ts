import { describe, expect, test } from "bun:test";
import { type ChatWorld, startChat } from "../../support/adapter.ts";
import type { Fault } from "../../support/chat.ts";
import { createFakeTelegram } from "../../support/telegram.ts";
import { until } from "../../support/until.ts";

const CONVERSATION = "-100200";

interface At {
  killAt?: number;
  restartAt?: number;
  faults?: Fault[];
}

/** One request of the helper, again while the relay restarts. */
async function must({ relay, agent }: ChatWorld, method: string, path: string, body?: object, turn?: string) {
  const headers: Record<string, string> = turn === undefined ? {} : { "signalbox-run": turn };
  for (;;) {
    const answer = await relay.ask(method, path, body, { ...agent, headers });
    if (answer.status < 300) return answer.body;
    if (answer.status !== 503) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    await Bun.sleep(5);
  }
}

/** A person asks in Telegram, a parent and its child work, and the result goes back. */
async function story({ faults = [], ...at }: At = {}) {
  const world = await startChat(createFakeTelegram);
  const first = world.run(at);
  await first.saw("ready");
  let isReplaced = false;
  /** Another process takes over from one that was killed. */
  const lives = () => {
    if (isReplaced || at.killAt === undefined || first.steps.length <= at.killAt) return;
    isReplaced = true;
    world.run();
  };
  world.chat.say({ conversation: CONVERSATION, text: "Ship it." });
  await until(async () => {
    lives();
    return (await world.inbox()).length > 0;
  }, "the question has come");
  const [event] = await world.inbox();
  const requester = { conversation: event.payload.conversation };
  const parent = await must(world, "POST", "/v1/runs", { task: "Ship it.", messageId: event.id, requester });
  const child = await must(world, "POST", "/v1/runs", { task: "Build.", parentId: parent.id, cause: "spawn" });
  await must(world, "POST", `/v1/runs/${parent.id}/finish`, { outcome: "ok", result: "Asked." }, parent.token);
  await must(world, "POST", `/v1/runs/${child.id}/finish`, { outcome: "ok", result: "Built." }, child.token);
  const { token } = await must(world, "POST", `/v1/runs/${parent.id}/start`, {});
  world.chat.fail(...faults);
  await must(world, "POST", `/v1/runs/${parent.id}/finish`, { outcome: "ok", result: "Shipped." }, token);
  const look = async () => (await must(world, "GET", `/v1/announcements?run=${parent.id}`)).items[0];
  await until(async () => {
    lives();
    const { endedAt, state } = await look();
    return endedAt !== null || state === "blocked";
  }, "the result is posted, or blocked");
  return { world, announcement: await look(), steps: [...first.steps] };
}

/** Posted once and acknowledged, or kept because the chat may have it. */
function expectOnce({ world, announcement }: Awaited<ReturnType<typeof story>>): void {
  const texts = world.chat.posted.map(({ text }) => text);
  if (announcement.state === "acknowledged") {
    expect(texts).toEqual(["Shipped."]);
    expect(announcement.externalIds).toEqual(world.chat.posted.map(({ externalId }) => externalId));
    return;
  }
  expect(announcement).toMatchObject({ state: "blocked", reason: "ambiguous" });
  expect(texts.length).toBeLessThanOrEqual(1);
}

describe("a result for a person in Telegram", () => {
  test("G7: it is posted once, as a reply to the question", async () => {
    const told = await story();
    expectOnce(told);
    const [post] = told.world.chat.posted;
    expect(told.announcement).toMatchObject({ state: "acknowledged", route: { by: "binding" } });
    expect(post).toMatchObject({ conversation: CONVERSATION, text: "Shipped.", replyTo: expect.any(String) });
  });

  test("the platform's limits are waited for, a refusal blocks it, and a cut answer is never posted twice", async () => {
    const [limited, refused, cut] = await Promise.all([
      story({ faults: ["limited", "limited"] }),
      story({ faults: ["refused"] }),
      story({ faults: ["done-cut"] }),
    ]);
    expectOnce(limited);
    expect(limited.announcement.state).toBe("acknowledged");
    expect(refused.announcement).toMatchObject({ state: "blocked", reason: expect.stringMatching(/^permanent:/) });
    expect(refused.world.chat.posted).toEqual([]);
    expectOnce(cut);
    expect(cut.announcement.state).toBe("blocked");
  });

  test("G1: the adapter killed, or the relay restarted, at any step on the way: never twice, never lost", async () => {
    const { steps } = await story();
    const places: At[] = [...steps.keys()].map((n) => (n % 2 === 0 ? { killAt: n } : { restartAt: n }));
    for (const at of places) expectOnce(await story(at));
  });
});
