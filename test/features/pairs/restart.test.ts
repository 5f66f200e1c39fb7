import { describe, expect, test } from "bun:test";
import { agentOn, asking } from "../../support/ask.ts";
import { startRelay, type TestRelay } from "../../support/relay.ts";
import { startServer } from "../../support/server.ts";
import type { Worker } from "../../support/work.ts";

interface Scene extends TestRelay {
  ann: Worker;
  ben: Worker;
  pair: string;
}

type Step = (scene: Scene) => Promise<unknown>;

const step =
  (verb: string, by: "ann" | "ben", body: object = {}): Step =>
  ({ ask, pair, ...who }) =>
    ask("POST", `/v1/pairs/${pair}/${verb}`, body, who[by]);
const request: Step = async (scene) => {
  const asked = await scene.ask("POST", "/v1/pairs", { target: "ben", timeoutSeconds: 600 }, scene.ann);
  scene.pair = asked.body.id;
};

/** Steps, the end, and the messages to both. */
const STORIES: { steps: Step[]; status: string; told: string[] }[] = [
  {
    steps: [request, step("accept", "ben"), step("messages", "ann", { body: "hello" }), step("end", "ann")],
    status: "ended",
    told: ["requested", "accepted", "message", "ended"],
  },
  { steps: [request, step("reject", "ben")], status: "rejected", told: ["requested", "rejected"] },
  { steps: [request, ({ pass }) => pass(700_000)], status: "expired", told: ["requested", "expired"] },
];

describe("G7: a restart between any two steps of a pair changes nothing", () => {
  for (const { steps, status, told } of STORIES)
    for (let at = 1; at <= steps.length; at++)
      test(`G7: a restart between any two steps of a pair changes nothing: ${told.join(", ")}: after step ${at}`, async () => {
        const relay = await startRelay();
        const scene: Scene = { ...relay, ann: await relay.agent("ann"), ben: await relay.agent("ben"), pair: "" };
        for (const [n, run] of steps.entries()) {
          await run(scene);
          if (n + 1 === at) await scene.restart(5000);
        }
        await scene.pass(1_000_000);
        expect((await scene.ask("GET", `/v1/pairs/${scene.pair}`)).body.status).toBe(status);
        const { items } = (await scene.ask("GET", "/v1/agents/ben/inbox?after=0")).body;
        expect(items.map(({ payload }: { payload: { pairEvent: string } }) => payload.pairEvent)).toEqual(told);
      });
});

describe("G1: kill -9 after every step of a pair", () => {
  test("G1: what was answered of a pair is there after kill -9 at every step", async () => {
    let server = await startServer();
    const { dataDir } = server;
    const ask = (...call: Parameters<ReturnType<typeof asking>>) => asking(server)(...call);
    const [ann, ben] = [await agentOn(ask, "ann"), await agentOn(ask, "ben")];
    const { id } = (await ask("POST", "/v1/pairs", { target: "ben" }, ann)).body;
    for (const [verb, by, body] of [
      ["accept", ben, {}],
      ["messages", ann, { body: "hello" }],
      ["end", ben, {}],
    ] as const) {
      await server.kill();
      server = await startServer({ dataDir });
      expect((await ask("POST", `/v1/pairs/${id}/${verb}`, body, by)).status).toBeLessThan(202);
    }
    await server.kill();
    server = await startServer({ dataDir });
    expect((await ask("GET", `/v1/pairs/${id}`)).body).toMatchObject({ status: "ended", endedBy: "ben" });
    const { items } = (await ask("GET", "/v1/agents/ben/inbox?after=0", undefined, ben)).body;
    expect(items).toHaveLength(4);
  });
});
