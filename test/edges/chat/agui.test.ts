import { describe, expect, test } from "bun:test";
import { type BaseEvent, HttpAgent } from "@ag-ui/client";
import { listen } from "../../support/listen.ts";
import { delta, numbered, thought, toolResult, toolStart } from "../../support/parts.ts";
import { type Crew, type ShownRun, startCrew } from "../../support/runs.ts";
import { until } from "../../support/until.ts";

async function takeNext(crew: Crew): Promise<ShownRun> {
  const waiting = async () =>
    (await crew.ask("GET", "/v1/runs?agent=bob&status=queued", undefined, crew.bob)).body.items;
  await until(async () => (await waiting()).length > 0, "a run that waits");
  return crew.take(crew.bob, (await waiting())[0]);
}

const append = (crew: Crew, run: ShownRun, events: object) => crew.does(crew.bob, run, "events", events, run);

function agentOf(crew: Crew, token = crew.ada.token): { agent: HttpAgent; events: BaseEvent[] } {
  const agent = new HttpAgent({
    ...{ url: `${listen(crew)}/v1/agui/bob`, headers: { authorization: `Bearer ${token}` } },
    threadId: "t1",
  });
  const events: BaseEvent[] = [];
  agent.subscribe({ onEvent: ({ event }) => void events.push(event) });
  return { agent, events };
}

describe("a run by AG-UI", () => {
  test("HttpAgent of AG-UI follows a run: its text, thoughts, tools, and its end", async () => {
    const crew = await startCrew();
    const { agent, events } = agentOf(crew);
    agent.addMessage({ id: "m1", role: "user", content: "Which files?" });
    const done = agent.runAgent({ runId: "r1" });
    const run = await takeNext(crew);
    expect(run.task).toBe("Which files?");
    await append(
      crew,
      run,
      numbered([
        ...[
          { stream: "status", data: { text: "Starting" } },
          thought("Hm."),
          delta("I look. "),
          toolStart("c1", { cmd: "ls" }),
        ],
        ...[toolResult("c1", "a.ts"), delta("One: "), delta("a.ts"), { stream: "usage", data: { inputTokens: 3 } }],
      ]),
    );
    await crew.finish(crew.bob, run);
    await done;
    expect(events[0]).toMatchObject({ type: "RUN_STARTED", threadId: "t1", runId: "r1" });
    expect(events.at(-1)).toMatchObject({
      type: "RUN_FINISHED",
      threadId: "t1",
      runId: "r1",
      outcome: { type: "success" },
    });
    const texts = agent.messages.flatMap(({ role, content }) => (role === "assistant" && content ? [content] : []));
    expect(texts).toEqual(["I look. ", "One: a.ts"]);
    expect(agent.messages.find(({ role }) => role === "tool")).toMatchObject({ content: "a.ts" });
    expect(events.filter(({ type }) => type === "CUSTOM")).toMatchObject([
      { name: "status", value: "Starting" },
      { name: "usage", value: { inputTokens: 3 } },
    ]);
    expect(agent.messages.some((message) => message.role === "reasoning" && message.content === "Hm.")).toBe(true);
  });

  test("a failure and an abort of a run end an AG-UI stream as such", async () => {
    const crew = await startCrew();
    const { agent, events } = agentOf(crew);
    agent.addMessage({ id: "m1", role: "user", content: "Work" });
    const first = agent.runAgent({ runId: "r1" });
    const run = await takeNext(crew);
    await crew.ask("POST", `/v1/runs/${run.id}/abort`, {}, crew.ada);
    await crew.finish(crew.bob, run, { outcome: "aborted" });
    await first.catch(() => undefined);
    expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", outcome: { type: "cancelled" } });
    agent.addMessage({ id: "m2", role: "user", content: "Again" });
    const second = agent.runAgent({ runId: "r2" });
    await crew.finish(crew.bob, await takeNext(crew), { outcome: "error", error: "No credit" });
    await second.catch(() => undefined);
    expect(events.some((event) => event.type === "RUN_ERROR" && event.message === "No credit")).toBe(true);
  });

  test("the same run id of AG-UI is the same run; tools and answers to unknown approvals are refused", async () => {
    const crew = await startCrew();
    const input = { threadId: "t1", runId: "r1", messages: [{ id: "m1", role: "user", content: "Go" }] };
    const post = (body: object) => crew.ask("POST", "/v1/agui/bob", body, crew.ada);
    const [one, two] = [post(input), post(input)];
    const run = await takeNext(crew);
    await crew.finish(crew.bob, run, { result: "Gone." });
    expect((await one).body).toBe((await two).body);
    expect((await one).body).toContain("Gone.");
    expect((await post({ ...input, runId: "r2", tools: [{ name: "x" }] })).body.errors[0].pointer).toBe("/tools");
    const resume = [{ interruptId: "apr_1", status: "cancelled" }];
    expect((await post({ ...input, runId: "r2", resume })).body.errors[0].pointer).toBe("/resume/0/interruptId");
    const image = [{ id: "m1", role: "user", content: [{ type: "image", source: {} }] }];
    expect((await post({ ...input, runId: "r2", messages: image })).body.errors[0].pointer).toBe(
      "/messages/0/content/0",
    );
    expect((await crew.ask("GET", "/v1/runs", undefined, crew.ada)).body.items).toHaveLength(1);
  });
});
