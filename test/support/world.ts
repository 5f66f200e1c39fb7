import { VERSION } from "../../src/version.ts";
import { startRelay, type TestRelay } from "./relay.ts";

/** A relay with somebody of every role, for tests that go through all operations. */
export interface World extends TestRelay {
  /** By whose token a call is made. */
  tokens: Record<Who, string | undefined>;
  /** Agents that are there: `worker` has the agent token, `sender` sends to it; orchestrator `fleet` has enrolled `fleet-one`. */
  worker: string;
  sender: string;
  /** Sends work to the worker; answers its id. */
  work(): Promise<number>;
  /** Work that the worker holds. */
  held(): Promise<{ id: string; token: string }>;
  /** A delegation to the worker, by the operator; answers its id. */
  asked(): Promise<string>;
  /** A pair asked of the worker; accepted if it says so. Answers its id. */
  pair(accepted?: boolean): Promise<string>;
  /** Work whose attempts ran out. */
  dead(): Promise<string>;
  /** A task for the worker; the second is held by it. */
  task(): Promise<string>;
  heldTask(): Promise<{ id: string; token: string }>;
  /** A source of events, made; answers its name. */
  source(): Promise<string>;
  /** A name that was not used before. */
  fresh(prefix: string): string;
}

/** Messages by agents in a row that are one too many here. */
export const LOOP_LIMIT = 400;

export const WHO = ["operator", "agent", "viewer", "enroll", "orchestrator", "nobody", "stranger"] as const;
export type Who = (typeof WHO)[number];

export async function createWorld(): Promise<World> {
  const relay = await startRelay({ durability: "normal", loopLimit: LOOP_LIMIT });
  const { ask, agent } = relay;
  const tokenOf = async (draft: unknown): Promise<string> => (await ask("POST", "/v1/tokens", draft)).body.token;
  const worker = await agent("worker", { tags: ["review"], instanceId: "worker-1" });
  const sender = await agent("sender");
  const daemon = await tokenOf({ role: "orchestrator", agentId: "orchestrator-fleet", prefix: "fleet-" });
  const fleet = { hostname: "fleet", baseDir: "/work", version: VERSION, providers: [] };
  await ask("PUT", "/v1/orchestrators/fleet", fleet, { token: daemon });
  await ask("PUT", "/v1/agents/fleet-one", { name: "one" }, { token: daemon });
  let count = 0;

  async function must(method: string, path: string, body: unknown, token?: string) {
    const answer = await ask(method, path, body, token ? { token } : {});
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
  async function work(maxAttempts = 5): Promise<number> {
    const draft = { to: "worker", body: "do this", claimable: true, maxAttempts };
    return (await must("POST", "/v1/messages", draft, sender.token)).id;
  }
  async function hold(id: number) {
    const { claim } = await must("POST", `/v1/messages/${id}/claim`, {}, worker.token);
    return { id: String(id), token: claim.token as string };
  }

  async function task(): Promise<string> {
    return (await must("POST", "/v1/tasks", { title: "do this", target: "worker" }, sender.token)).id;
  }

  return {
    ...relay,
    tokens: {
      operator: relay.relay.operatorToken,
      agent: worker.token,
      viewer: await tokenOf({ role: "viewer" }),
      enroll: await tokenOf({ role: "enroll", prefix: "new-" }),
      orchestrator: daemon,
      nobody: undefined,
      stranger: "sbx_unknown",
    },
    worker: worker.id,
    sender: sender.id,
    work,
    async asked() {
      return (await must("POST", "/v1/delegations", { to: "worker", text: "do this" }, relay.relay.operatorToken)).id;
    },
    async pair(accepted = false) {
      const { id } = await agent(`partner-${++count}`);
      const made = await must("POST", "/v1/pairs", { requester: id, target: "worker" }, relay.relay.operatorToken);
      if (accepted) await must("POST", `/v1/pairs/${made.id}/accept`, {}, worker.token);
      return made.id;
    },
    held: async () => hold(await work()),
    async dead() {
      const { id, token } = await hold(await work(1));
      await must("POST", `/v1/messages/${id}/fail`, { token, error: "no use", final: true }, worker.token);
      return id;
    },
    task,
    async heldTask() {
      const id = await task();
      const { claim } = await must("POST", `/v1/tasks/${id}/claim`, {}, worker.token);
      return { id, token: claim.token };
    },
    async source() {
      const name = `source-${++count}`;
      await must("PUT", `/v1/integrations/${name}`, { target: "worker" });
      return name;
    },
    fresh: (prefix) => `${prefix}${++count}`,
  };
}
