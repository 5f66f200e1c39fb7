import type { Example } from "./examples.ts";
import { SAMPLE_KEYS } from "./push.ts";
import type { World } from "./world.ts";

const byOperator = (more: Omit<Example, "who"> = {}): Example => ({ who: "operator", ...more });

async function person(world: World): Promise<string> {
  const id = world.fresh("person-");
  await world.ask("PUT", `/v1/people/${id}`, { name: id, role: "member" });
  return id;
}

const subject = (world: World) => ({ type: "command", line: world.fresh("make "), cwd: "/work", envNames: ["PATH"] });
const options = [
  { id: "yes", label: "Allow", decision: "allow", scope: "once" },
  { id: "no", label: "Deny", decision: "deny" },
];
const draft = (world: World) => ({
  ...{ kind: "permission", subject: subject(world), title: "Build", options, default: "no", expiresInSeconds: 60 },
});

async function approval(world: World): Promise<{ id: string; hash: string }> {
  return (await world.ask("POST", "/v1/approvals", draft(world), { token: world.tokens.agent ?? "" })).body;
}

async function rule(world: World): Promise<string> {
  return (await world.ask("POST", "/v1/approval-rules", { tool: "fetch", match: "x", decision: "ask" })).body.id;
}

/** Examples of the operations on approvals. */
const APPROVAL_EXAMPLES: Record<string, (world: World) => Promise<Example> | Example> = {
  createApproval: (world) => ({
    who: "agent",
    headers: { "idempotency-key": `"${world.fresh("key")}"` },
    body: {
      ...{ ...draft(world), agentId: "worker", sessionId: "ses_1", oneTap: false, meta: { a: 1 } },
      conversation: { channelId: "telegram:main", conversationId: "7" },
    },
  }),
  listApprovals: () => ({
    who: "viewer",
    query: { state: "pending", kind: "permission", agent: "worker", project: "acme/api", limit: "5" },
  }),
  getApproval: async (world) => ({ who: "agent", path: { id: (await approval(world)).id } }),
  async answerApproval(world) {
    const { id, hash } = await approval(world);
    return byOperator({ path: { id }, body: { option: "yes", hash } });
  },
  answerApprovals: async (world) => byOperator({ body: { ids: [(await approval(world)).id], decision: "deny" } }),
  async applyApproval(world) {
    const { id, hash } = await approval(world);
    await world.ask("POST", `/v1/approvals/${id}/answer`, { option: "yes", hash });
    return { who: "agent", path: { id }, body: { ok: false, error: "gone" } };
  },
  withdrawApproval: async (world) => ({
    ...{ who: "agent", path: { id: (await approval(world)).id }, body: { reason: "no need" } },
  }),
  listApprovalRules: () => ({ who: "viewer" }),
  addApprovalRule: (world) =>
    byOperator({
      headers: { "idempotency-key": `"${world.fresh("key")}"` },
      body: { position: 1, agentId: "worker", tool: "edit", match: "*.md", decision: "ask", under: "/work" },
    }),
  previewApprovalRule: () => ({
    who: "viewer",
    body: { position: 1, agentId: "worker", tool: "edit", match: "*.md", decision: "ask", under: "/work" },
  }),
  changeApprovalRule: async (world) =>
    byOperator({
      path: { id: await rule(world) },
      body: { position: 1, agentId: null, tool: "edit", match: "*.md", decision: "ask", under: "/work" },
    }),
  removeApprovalRule: async (world) => byOperator({ path: { id: await rule(world) } }),
};

const waiting = async (world: World): Promise<string> => `approval:${(await approval(world)).id}`;

const pushDraft = (world: World) => ({
  ...{ endpoint: `https://push.example.org/${world.fresh("send-")}`, keys: SAMPLE_KEYS, expirationTime: null },
  ...{ device: "phone", previews: true },
});

/** A bulk action that runs, and the only one: a few may run at a time. */
const bulk = async (world: World) => {
  for (const { id } of (await world.ask("GET", "/v1/bulk?state=running")).body.items)
    await world.ask("POST", `/v1/bulk/${id}/stop`);
  await world.work();
  return (await world.ask("POST", "/v1/bulk", { action: "archive", filter: {} })).body;
};

async function view(world: World): Promise<string> {
  const name = world.fresh("view");
  await world.ask("PUT", `/v1/views/${name}`, { page: "work" });
  return name;
}

/** Examples of the operations on people and approvals. */
export const PEOPLE_EXAMPLES: Record<string, (world: World) => Promise<Example> | Example> = {
  ...APPROVAL_EXAMPLES,
  putPerson: async (world) =>
    byOperator({
      path: { id: world.fresh("person-") },
      body: {
        ...{ name: "Ada", role: "member", ladder: [await person(world)] },
        notify: [{ channelId: "telegram:main", conversationId: "7", threadId: "2" }, "push"],
        quietHours: { from: "22:00", to: "07:00", timezone: "Europe/Berlin" },
        senders: [{ channelId: "telegram:main", senderId: world.fresh("u") }],
      },
    }),
  listAttention: () => ({ who: "viewer", query: { kind: "approval", snoozed: "true" } }),
  listLateMessages: () => ({ who: "viewer" }),
  takeAttention: async (world) => byOperator({ path: { id: await waiting(world) }, body: { release: false } }),
  snoozeAttention: async (world) =>
    byOperator({ path: { id: await waiting(world) }, body: { until: "2027-01-01T08:00:00Z" } }),
  handAttention: async (world) =>
    byOperator({ path: { id: await waiting(world) }, body: { personId: await person(world) } }),
  createBulk: () =>
    byOperator({
      body: {
        action: "requeue",
        filter: {
          ...{ ids: [999_999], target: "worker", topic: "none", kind: "task", thread: 1, from: "worker" },
          ...{ before: 2, after: 1, error: null },
        },
      },
    }),
  listProjects: () => ({ who: "viewer", query: { active: "true", page: "acme/api", limit: "5" } }),
  listBulk: () => ({ who: "viewer", query: { state: "done", limit: "5" } }),
  getBulk: async (world) => byOperator({ path: { id: (await bulk(world)).id } }),
  stopBulk: async (world) => byOperator({ path: { id: (await bulk(world)).id } }),
  listViews: () => ({ who: "viewer", query: { limit: "5" } }),
  getView: async (world) => byOperator({ path: { name: await view(world) } }),
  putView: (world) =>
    byOperator({ path: { name: world.fresh("view") }, body: { page: "work", search: { show: "dead" } } }),
  deleteView: async (world) => byOperator({ path: { name: await view(world) } }),
  createSignInLink: async (world) => byOperator({ body: { personId: await person(world), role: "viewer", hours: 2 } }),
  signIn: async (world) => {
    const { body } = await world.ask("POST", "/v1/sign-in-links", {});
    return { who: "nobody", body: { code: body.url.split("#code=")[1] } };
  },
  signOut: () => byOperator({ body: { everywhere: true } }),
  getPushKey: () => ({ who: "viewer" }),
  createPushSubscription: (world) => byOperator({ body: pushDraft(world) }),
  listPushSubscriptions: () => ({ who: "viewer" }),
  async deletePushSubscription(world) {
    const { id } = (await world.ask("POST", "/v1/push/subscriptions", pushDraft(world))).body;
    return byOperator({ path: { id } });
  },
  listPeople: () => ({ who: "viewer", query: { limit: "5" } }),
  getPerson: async (world) => byOperator({ path: { id: await person(world) } }),
  deletePerson: async (world) => byOperator({ path: { id: await person(world) } }),
};
