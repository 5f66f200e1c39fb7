import type { Example } from "./examples.ts";
import type { World } from "./world.ts";

/** An ended run of the worker that another agent asked for. */
async function endedRun(world: World, isGone: boolean): Promise<string> {
  const asker = world.fresh("asker-");
  const token = world.tokens.operator ?? "";
  const must = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const answer = await world.ask(method, path, body, { token, headers });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  await must("PUT", `/v1/agents/${asker}`, { name: asker });
  const { id } = await must("POST", "/v1/runs", { agentId: "worker", task: "do this", requester: { agentId: asker } });
  const { token: turn } = await must("POST", `/v1/runs/${id}/start`, {});
  if (isGone) await must("DELETE", `/v1/agents/${asker}`);
  await must("POST", `/v1/runs/${id}/finish`, { outcome: "ok", result: "done" }, { "signalbox-run": turn });
  return id;
}

async function announcement(world: World, isBlocked: boolean): Promise<Example> {
  const run = await endedRun(world, isBlocked);
  const [made] = (await world.ask("GET", `/v1/announcements?run=${run}`)).body.items;
  return { who: "operator", path: { id: made.id } };
}

export const ANNOUNCEMENT_EXAMPLES = {
  listAnnouncements: (): Example => ({ who: "agent", query: { state: "sent", requester: "sender", limit: "5" } }),
  getAnnouncement: (world: World) => announcement(world, false),
  retryAnnouncement: (world: World) => announcement(world, true),
  dismissAnnouncement: (world: World) => announcement(world, false),
  getRunPrompt: async (world: World): Promise<Example> => ({
    ...{ who: "agent", path: { id: await endedRun(world, false) } },
  }),
};
