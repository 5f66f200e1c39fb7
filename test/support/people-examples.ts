import type { Example } from "./examples.ts";
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
    query: { state: "pending", kind: "permission", agent: "worker", limit: "5" },
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
  removeApprovalRule: async (world) => byOperator({ path: { id: await rule(world) } }),
};

const waiting = async (world: World): Promise<string> => `approval:${(await approval(world)).id}`;

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
  takeAttention: async (world) => byOperator({ path: { id: await waiting(world) }, body: { release: false } }),
  snoozeAttention: async (world) =>
    byOperator({ path: { id: await waiting(world) }, body: { until: "2027-01-01T08:00:00Z" } }),
  handAttention: async (world) =>
    byOperator({ path: { id: await waiting(world) }, body: { personId: await person(world) } }),
  createSignInLink: async (world) => byOperator({ body: { personId: await person(world), role: "viewer", hours: 2 } }),
  signIn: async (world) => {
    const { body } = await world.ask("POST", "/v1/sign-in-links", {});
    return { who: "nobody", body: { code: body.url.split("#code=")[1] } };
  },
  signOut: () => byOperator({ body: { everywhere: true } }),
  listPeople: () => ({ who: "viewer", query: { limit: "5" } }),
  getPerson: async (world) => byOperator({ path: { id: await person(world) } }),
  deletePerson: async (world) => byOperator({ path: { id: await person(world) } }),
};
