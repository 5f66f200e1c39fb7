import type { Example } from "./examples.ts";
import type { World } from "./world.ts";

const byDaemon = (more: Omit<Example, "who"> = {}): Example => ({ who: "orchestrator", ...more });
const draft = { agentId: "fleet-one", provider: "claude", lane: "main", state: "starting" };

async function session(world: World): Promise<string> {
  const id = world.fresh("ses_");
  const made = await world.ask("PUT", `/v1/sessions/${id}`, draft, { token: world.tokens.orchestrator ?? "" });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  return id;
}

async function leased(world: World, body: object): Promise<Example> {
  const id = await session(world);
  const { fence } = (
    await world.ask("POST", `/v1/sessions/${id}/lease`, {}, { token: world.tokens.orchestrator ?? "" })
  ).body;
  return byDaemon({ path: { id }, body: { fence, ...body } });
}

/** Examples of the operations on sessions and limits. */
export const SESSION_EXAMPLES: Record<string, (world: World) => Promise<Example> | Example> = {
  putSession: (world) =>
    byDaemon({
      path: { id: world.fresh("ses_") },
      body: {
        ...{ ...draft, account: "team", nativeId: world.fresh("n-"), name: "build", cwd: "/work", home: "box:/root" },
        ...{ place: { conversation: { channelId: "telegram:main", conversationId: "7" } }, project: "p", tags: ["ci"] },
        ...{ model: "opus", state: "limited", reason: "Until noon.", evidence: { status: "rejected" }, pid: 4711 },
        ...{ limitedUntil: "2026-03-01T14:00:00+01:00", queued: 2, lastEventAt: "2026-03-01T12:00:00Z" },
        usage: {
          ...{ inputTokens: 1, outputTokens: 2, cacheReadTokens: 0, cacheWriteTokens: 0, costUsd: 0.1, byModel: {} },
        },
        links: [{ kind: "branch", ref: "main", url: null, state: null, evidence: "git" }],
        seen: { exitCodes: [0], dirtyFiles: 1, unpushedCommits: 0, branch: "main", head: "abc" },
        startedAt: "2026-03-01T11:00:00Z",
      },
    }),
  listSessions: () => ({
    who: "viewer",
    query: {
      ...{ agent: "fleet-one", orchestrator: "fleet", state: "away", lane: "main", project: "p", live: "true" },
      ...{ limit: "5", page: "ses_1" },
    },
  }),
  listSessionTracks: () => ({
    who: "viewer",
    query: {
      ...{ agent: "fleet-one", orchestrator: "fleet", project: "p", limit: "5", page: "ses_1" },
      ...{ from: "2026-03-01T11:00:00Z", to: "2026-03-01T13:00:00+01:00" },
    },
  }),
  listLimits: () => byDaemon({ query: { limit: "5", page: "1" } }),
  putLimit: (world) =>
    byDaemon({
      path: { provider: "claude", account: world.fresh("account-") },
      body: {
        type: "five_hour",
        until: "2026-03-01T14:00:00+01:00",
        evidence: { a: 1 },
        utilization: 91.5,
        rejected: false,
      },
    }),
  async deleteLimit(world) {
    const path = { provider: "codex", account: world.fresh("account-") };
    const body = { type: "primary", until: "2026-03-01T14:00:00Z", evidence: {} };
    const by = { token: world.tokens.orchestrator ?? "" };
    await world.ask("PUT", `/v1/limits/${path.provider}/${path.account}`, body, by);
    return { who: "operator", path };
  },
  getSession: async (world) => ({ who: "viewer", path: { id: await session(world) } }),
  leaseSession: async (world) =>
    byDaemon({ path: { id: await session(world) }, body: { seenDead: true, leaseSeconds: 60 } }),
  renewSession: (world) => leased(world, { leaseSeconds: 60 }),
  releaseSession: (world) => leased(world, {}),
};
