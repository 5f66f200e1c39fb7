import { expect, test } from "bun:test";
import { startBox } from "../../support/commands.ts";

const PROFILE = {
  ...{ provider: "claude", model: "opus", systemPrompt: "Be brief.", caps: { sessions: 2 } },
  agents: [{ agentId: "box-claude", orchestratorId: "box", desired: "running" }],
};

async function startProfiles() {
  const box = await startBox();
  const { ask } = box;
  return {
    ...box,
    put: (name: string, body: object = PROFILE, by: { token?: string } = {}) =>
      ask("PUT", `/v1/profiles/${name}`, body, by),
    told: async () => (await box.inbox(box.daemon)).flatMap(({ payload }) => payload?.profile ?? []),
  };
}

test("a profile is made, replaced and deleted by operators, and the daemons that it names hear of each change", async () => {
  const { ask, put, told, daemon } = await startProfiles();
  const made = await put("reviewer");
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({ name: "reviewer", ...PROFILE, onLimit: "wait", restart: { policy: "onFailure" } });
  expect((await put("reviewer")).status).toBe(200);
  expect(await told()).toEqual([{ name: "reviewer", deleted: false }]);
  await put("reviewer", { provider: "codex" });
  expect((await ask("GET", "/v1/profiles/reviewer")).body).toMatchObject({
    provider: "codex",
    model: null,
    agents: [],
  });
  expect(await told()).toHaveLength(2);
  await put("reviewer");
  expect((await ask("DELETE", "/v1/profiles/reviewer")).status).toBe(204);
  expect((await told()).at(-1)).toEqual({ name: "reviewer", deleted: true });
  expect((await ask("GET", "/v1/profiles/reviewer")).status).toBe(404);
  const { items } = (await ask("GET", "/v1/agents/orchestrator-box/inbox?after=0", undefined, daemon)).body;
  expect(items.at(-1)).toMatchObject({ kind: "control", urgent: true, from: "system" });
});

test("G10: profiles are written by operators alone, and read by people and orchestrators", async () => {
  const { ask, put, ada, daemon } = await startProfiles();
  const member = (await ask("POST", "/v1/tokens", { role: "member" })).body;
  for (const who of [member, ada, daemon]) {
    expect((await put("reviewer", PROFILE, who)).status).toBe(403);
    expect((await ask("DELETE", "/v1/profiles/reviewer", undefined, who)).status).toBe(403);
  }
  await put("reviewer");
  await put("other", { provider: "codex" });
  const names = async (who: { token?: string }, query = "") =>
    (await ask("GET", `/v1/profiles${query}`, undefined, who)).body.items?.map(({ name }: { name: string }) => name);
  expect(await names({})).toEqual(["other", "reviewer"]);
  expect(await names(member, "?orchestrator=box")).toEqual(["reviewer"]);
  expect(await names(daemon)).toEqual(["reviewer"]);
  expect(await names(ada)).toBeUndefined();
  expect((await ask("GET", "/v1/profiles/other", undefined, daemon)).status).toBe(200);
});

test("a profile is refused with the place of what is wrong", async () => {
  const { ask, put } = await startProfiles();
  const at = async (body: object) => (await put("reviewer", body)).body.errors?.[0].pointer;
  const agent = { agentId: "box-claude", orchestratorId: "box", desired: "running" };
  expect(await at({})).toBe("/provider");
  expect(await at({ ...PROFILE, agents: [{ ...agent, orchestratorId: "attic" }] })).toBe("/agents/0/orchestratorId");
  expect(await at({ ...PROFILE, agents: [agent, { ...agent, agentId: "ada" }] })).toBe("/agents/1/agentId");
  expect(await at({ ...PROFILE, agents: [agent, agent] })).toBe("/agents/1/agentId");
  expect(await at({ ...PROFILE, caps: { sessions: 0 } })).toBe("/caps/sessions");
  expect((await put("Not A Name")).status).toBe(422);
  expect((await ask("GET", "/v1/profiles")).body.items).toEqual([]);
});

test("a spawn names a profile that is there, and is for its provider", async () => {
  const { ada, put, tryCommand, heard } = await startProfiles();
  await put("reviewer");
  const spawn = (profile: string, provider = "claude") => tryCommand(ada, { do: "spawn", provider, profile });
  expect((await spawn("nobody")).body.errors[0]).toEqual({
    pointer: "/command/profile",
    message: "there is no profile nobody",
  });
  expect((await spawn("reviewer", "codex")).body.errors[0].message).toBe("profile reviewer is for claude, not codex");
  expect((await spawn("reviewer")).status).toBe(201);
  expect((await heard()).map(({ payload }) => payload.command.profile)).toEqual(["reviewer"]);
});

test("nobody but the relay writes payload.profile", async () => {
  const { ada, ask } = await startProfiles();
  const draft = { to: "orchestrator:box", body: "x", payload: { profile: { name: "x" } } };
  expect((await ask("POST", "/v1/messages", draft, ada)).body.code).toBe("reserved");
});
