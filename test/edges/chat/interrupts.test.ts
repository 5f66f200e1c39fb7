import { afterAll, beforeAll, describe, expect, setSystemTime, test } from "bun:test";
import { type BaseEvent, HttpAgent } from "@ag-ui/client";
import { wanted } from "../../support/approvals.ts";
import { listen } from "../../support/listen.ts";
import { delta, numbered, toolResult, toolStart } from "../../support/parts.ts";
import { type Crew, type ShownRun, startCrew } from "../../support/runs.ts";
import { until } from "../../support/until.ts";

// The client of AG-UI answers no interrupt that has expired by its own clock.
beforeAll(() => void setSystemTime(new Date("2026-03-01T12:00:00.000Z")));
afterAll(() => void setSystemTime());

async function takeNext(crew: Crew): Promise<ShownRun> {
  const waiting = async () => (await crew.ask("GET", "/v1/runs?agent=bob&status=queued")).body.items;
  await until(async () => (await waiting()).length > 0, "a run that waits");
  return crew.take(crew.bob, (await waiting())[0]);
}

/** A chat of a person with bob, whose run has said something and waits for an approval. */
async function startAsked(token?: string) {
  const crew = await startCrew();
  const url = `${listen(crew)}/v1/agui/bob`;
  const headers = { authorization: `Bearer ${token ?? crew.relay.operatorToken}` };
  const agent = new HttpAgent({ url, headers, threadId: "t1" });
  const events: BaseEvent[] = [];
  agent.subscribe({ onEvent: ({ event }) => void events.push(event) });
  agent.addMessage({ id: "m1", role: "user", content: "Publish" });
  const first = agent.runAgent({ runId: "r1" });
  const run = await takeNext(crew);
  let seq = 0;
  const says = (...said: object[]) => {
    const events = numbered(said, seq);
    seq += said.length;
    return crew.does(crew.bob, run, "events", events, run);
  };
  const ask = async (line: string) =>
    (await crew.ask("POST", "/v1/approvals", { ...wanted(line), runId: run.id }, crew.bob)).body;
  return { ...crew, agent, events, first, run, says, asks: ask };
}

const texts = ({ messages }: HttpAgent) =>
  messages.flatMap(({ role, content }) => (role === "assistant" && content ? [content] : []));

describe("approvals in a run by AG-UI", () => {
  test("one that waits ends the stream as an interrupt, and `resume` answers it and goes on where the stream ended", async () => {
    const { agent, events, first, run, says, asks, ask, finish, bob } = await startAsked();
    await says(delta("I publish"));
    const asked = await asks("npm publish");
    await first;
    expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", outcome: { type: "interrupt" } });
    const [interrupt] = agent.pendingInterrupts;
    expect(interrupt).toMatchObject({ id: asked.id, reason: "permission", message: "Run npm publish" });
    expect(interrupt?.responseSchema?.properties).toMatchObject({ hash: { const: asked.hash } });
    const payload = { option: "yes", hash: asked.hash };
    const second = agent.runAgent({ runId: "r2", resume: [{ interruptId: asked.id, status: "resolved", payload }] });
    await until(async () => (await ask("GET", `/v1/approvals/${asked.id}`)).body.state === "answered", "the answer");
    await says(delta(" now."), toolStart("c1", { cmd: "npm publish" }), toolResult("c1", "ok"), delta("Published."));
    await finish(bob, run);
    await second;
    expect(agent.pendingInterrupts).toEqual([]);
    expect(texts(agent)).toEqual(["I publish", " now.", "Published."]);
    expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", runId: "r2", outcome: { type: "success" } });
    expect((await ask("GET", "/v1/runs")).body.items).toHaveLength(1);
  });

  test("several are answered one after the other; an abandoned one is denied", async () => {
    const { agent, first, run, asks, ask, finish, bob } = await startAsked();
    const asked = [await asks("npm publish"), await asks("git push")];
    await first;
    for (const [index, { id, hash }] of asked.entries()) {
      expect(agent.pendingInterrupts.map((one) => one.id)).toEqual([id]);
      const entry = index === 0 ? { status: "resolved", payload: { option: "yes", hash } } : { status: "cancelled" };
      const next = agent.runAgent({ runId: `r${index + 2}`, resume: [{ interruptId: id, ...entry } as never] });
      if (index === 0) await next;
      else {
        await until(async () => (await ask("GET", `/v1/approvals/${id}`)).body.state === "answered", "the answer");
        await finish(bob, run, { result: "Done." });
        await next;
      }
    }
    const shown = await Promise.all(asked.map(({ id }) => ask("GET", `/v1/approvals/${id}`)));
    expect(shown.map(({ body }) => body.answer.decision)).toEqual(["allow", "deny"]);
    expect(texts(agent)).toEqual(["Done."]);
  });

  test("G14: those who may not answer it elsewhere may not here, and the hash is that of what was read", async () => {
    const { first, run, asks, ask, finish, bob, ada } = await startAsked();
    const asked = await asks("npm publish");
    await first;
    const resume = (payload: unknown, more: object = {}) => ({
      ...{ threadId: "t1", runId: "r2", messages: [] },
      resume: [{ interruptId: asked.id, status: "resolved", payload, ...more }],
    });
    const post = (body: object, by?: { token: string }) => ask("POST", "/v1/agui/bob", body, by);
    expect((await post(resume({ option: "yes" }))).body.errors[0].pointer).toBe("/resume/0/payload/hash");
    expect((await post(resume({ option: "yes", hash: "0".repeat(64) }))).status).toBe(422);
    expect((await post(resume({}, { status: "x" }))).body.errors[0].pointer).toBe("/resume/0/status");
    expect((await post(resume({ option: "yes", hash: asked.hash }), ada)).status).toBe(422);
    const mine = { ...resume({ option: "yes", hash: asked.hash }), threadId: run.id };
    expect((await post(mine, bob)).status).toBe(403);
    await ask("POST", `/v1/approvals/${asked.id}/answer`, { option: "no", hash: asked.hash });
    expect((await post(resume({ option: "yes", hash: asked.hash }))).body.code).toBe("not-open");
    await finish(bob, run, { result: "Not published." });
    const after = await post(resume(undefined, { status: "cancelled" }));
    expect(after.body).toContain("Not published.");
  });
});

test("a viewer of the AI SDK's stream sees an approval and its answer as one data part", async () => {
  const crew = await startCrew();
  const run = await crew.run(crew.bob);
  const draft = { ...wanted("npm publish"), runId: run.id };
  const asked = (await crew.ask("POST", "/v1/approvals", draft, crew.bob)).body;
  await crew.ask("POST", `/v1/approvals/${asked.id}/answer`, { option: "yes", hash: asked.hash });
  await crew.finish(crew.bob, run, { result: "Done." });
  const { body } = await crew.ask("GET", `/v1/runs/${run.id}/stream`, undefined, crew.bob);
  const parts = String(body)
    .split("\n")
    .flatMap((line) => (line.startsWith("data: {") ? [JSON.parse(line.slice("data: ".length))] : []))
    .filter(({ type }) => type === "data-approval");
  expect(parts).toMatchObject([
    { id: asked.id, data: { state: "pending", title: "Run npm publish", hash: asked.hash, answer: null } },
    { id: asked.id, data: { state: "answered", answer: { option: "yes", decision: "allow" } } },
  ]);
});
