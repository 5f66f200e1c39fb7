import type { Example } from "./examples.ts";
import type { World } from "./world.ts";

interface Made {
  id: string;
  token: string;
  turnId: string;
}

async function made(world: World, fields: object, token: string | undefined): Promise<Made> {
  const answer = await world.ask("POST", "/v1/runs", { task: "do this", ...fields }, token ? { token } : {});
  if (answer.status >= 300) throw new Error(JSON.stringify(answer.body));
  return answer.body;
}

/** A run of the worker's own, which runs. */
const running = (world: World): Promise<Made> => made(world, {}, world.tokens.agent);
/** A run that waits for the worker. */
const waiting = (world: World): Promise<Made> => made(world, { agentId: "worker" }, world.tokens.operator);

const byRunner = ({ id, token }: Made, more: Partial<Example> = {}): Example => ({
  ...{ who: "agent", path: { id }, headers: { "signalbox-run": token } },
  ...more,
});
const onRun = (who: Example["who"], { id }: Made, more: Partial<Example> = {}): Example => ({
  who,
  path: { id },
  ...more,
});

const asked = (text: string) => ({ id: "m1", role: "user", parts: [{ type: "text", text }] });

export const RUN_EXAMPLES = {
  createRun: (world: World): Example => ({
    ...{ who: "operator", headers: { "idempotency-key": `"${world.fresh("key")}"` } },
    body: {
      ...{ agentId: "worker", task: "Check the parser.", label: "Parser check", sessionKey: world.fresh("bg:") },
      ...{ requester: { agentId: "sender" }, origin: { channelId: "c", conversationId: "7" }, tags: ["parser"] },
      ...{ timeoutSeconds: 600, leaseSeconds: 60, expectsResult: true, project: "github.com/a/b", model: "opus" },
    },
  }),
  startRun: async (world: World) => onRun("agent", await waiting(world), { body: { leaseSeconds: 60 } }),
  listRuns: (): Example => ({ who: "agent", query: { agent: "worker", status: "running", limit: "5" } }),
  getRun: async (world: World) => onRun("agent", await running(world)),
  getRunTree: async (world: World) => onRun("agent", await running(world)),
  async getRunDiff(world: World) {
    const run = await running(world);
    const data = { path: "a.ts", change: "added", added: 1, removed: 0, patch: "+a" };
    const headers = { "signalbox-run": run.token };
    const how = { headers, ...(world.tokens.agent ? { token: world.tokens.agent } : {}) };
    await world.ask("POST", `/v1/runs/${run.id}/events`, [{ source: "main", seq: 0, stream: "diff", data }], how);
    return onRun("agent", run);
  },
  appendRunEvents: async (world: World) =>
    byRunner(await running(world), {
      body: {
        events: [
          { source: "main", seq: 0, at: "2026-03-01T12:00:00Z", stream: "lifecycle", data: { phase: "start" } },
          { source: "main", seq: 1, stream: "assistant", data: { delta: "Reading the parser." } },
          { source: "main", seq: 2, stream: "usage", data: { inputTokens: 3, costUsd: 0.01, model: "opus" } },
        ],
      },
    }),
  renewRun: async (world: World) => byRunner(await running(world), { body: { leaseSeconds: 300 } }),
  finishRun: async (world: World) =>
    byRunner(await running(world), {
      body: {
        ...{ outcome: "ok", result: "No regressions.", usage: { outputTokens: 4 } },
        links: [{ kind: "commit", ref: "abc", evidence: "git" }],
      },
    }),
  abortRun: async (world: World) =>
    onRun("operator", await running(world), { body: { reason: "Enough.", cascade: false } }),
  tellRun: async (world: World) =>
    onRun("operator", await running(world), { body: { id: "m1", text: "Look at the tests." } }),
  listRunEvents: async (world: World) => {
    const run = await running(world);
    return onRun("agent", run, { query: { after: "0", before: "1000000", turn: run.turnId, limit: "5" } });
  },
  followRunEvents: async (world: World) => onRun("agent", await running(world), { query: { after: "0" } }),
  streamRun: async (world: World) => onRun("agent", await running(world), { query: { live: "false" } }),
  chat: (world: World): Example => ({
    ...{ who: "operator", path: { agentId: "worker" } },
    body: { id: world.fresh("chat-"), messages: [asked("Which files?")], trigger: "submit-message", more: true },
  }),
  resumeChat: (): Example => ({ who: "operator", path: { agentId: "worker", chatId: "none" } }),
  agui: (world: World): Example => ({
    ...{ who: "operator", path: { agentId: "worker" } },
    body: {
      ...{ threadId: world.fresh("thread-"), runId: "r1", state: {}, context: [], tools: [] },
      messages: [{ id: "m1", role: "user", content: "Which files?" }],
    },
  }),
};
