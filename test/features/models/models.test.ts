import { describe, expect, test } from "bun:test";
import { startCrew } from "../../support/work.ts";

const opus = { id: "opus", name: "Opus", provider: "anthropic" };
const llama = { id: "llama3:8b", name: "Llama" };

/** A crew, how an agent tells its models, and the union of all. */
async function startWorld() {
  const crew = await startCrew();
  return {
    crew,
    put: (who: { id: string; token: string }, body: object, id = who.id) =>
      crew.ask("PUT", `/v1/agents/${id}/models`, body, who),
    models: async (query = "") => (await crew.ask("GET", `/v1/models${query}`, undefined, crew.ann)).body,
  };
}

describe("models of agents", () => {
  test("models of agents are listed as one union, with the agents that have each and the default of each", async () => {
    const { crew, put, models } = await startWorld();
    const told = await put(crew.ann, { items: [opus, llama], default: "opus" });
    expect(told).toMatchObject({ status: 200, body: { agentId: "ann", items: [opus, llama], default: "opus" } });
    await put(crew.ben, { items: [{ id: "opus", name: "Claude Opus" }] });
    expect((await models()).items).toEqual([
      {
        ...{ id: "llama3:8b", name: "Llama", provider: null, agentCount: 1 },
        agents: [{ agentId: "ann", name: "Llama", provider: null, isDefault: false }],
      },
      {
        ...{ ...opus, agentCount: 2 },
        agents: [
          { agentId: "ann", name: "Opus", provider: "anthropic", isDefault: true },
          { agentId: "ben", name: "Claude Opus", provider: null, isDefault: false },
        ],
      },
    ]);
    expect((await models("?agent=ben")).items).toMatchObject([{ id: "opus", agents: [{ agentId: "ben" }] }]);
    expect((await models("?agent=boss")).items).toEqual([]);
  });

  test("models of agents are replaced as a whole, for that agent alone", async () => {
    const { crew, put, models } = await startWorld();
    await put(crew.ann, { items: [opus, llama], default: "opus" });
    await put(crew.ben, { items: [opus] });
    await put(crew.ann, { items: [llama] });
    const ids = async () =>
      (await models()).items.map(({ id, agents }: { id: string; agents: { agentId: string }[] }) => [
        id,
        agents.map(({ agentId }) => agentId),
      ]);
    expect(await ids()).toEqual([
      ["llama3:8b", ["ann"]],
      ["opus", ["ben"]],
    ]);
    expect((await put(crew.ann, { items: [] })).body).toMatchObject({ items: [], default: null, updatedAt: null });
    expect(await ids()).toEqual([["opus", ["ben"]]]);
  });

  test("models of agents that are told again in the same words change nothing", async () => {
    const { crew, put } = await startWorld();
    const first = (await put(crew.ann, { items: [opus] })).body;
    crew.clock.advance(60_000);
    expect((await put(crew.ann, { items: [opus] })).body).toEqual(first);
    expect((await put(crew.ann, { items: [llama] })).body.updatedAt).not.toBe(first.updatedAt);
  });

  test("models of agents are read page by page, also where many agents have the same", async () => {
    const { crew, put, models } = await startWorld();
    const items = [1, 2, 3].map((n) => ({ id: `m${n}`, name: `M${n}` }));
    for (const agent of [crew.ann, crew.ben, crew.boss]) await put(agent, { items });
    const first = await models("?limit=2");
    expect(first).toMatchObject({ items: [{ id: "m1", agentCount: 3 }, { id: "m2" }], nextPage: "m2" });
    expect(await models("?limit=2&page=m2")).toMatchObject({ items: [{ id: "m3" }], nextPage: null });
  });

  test("models of agents shown with a model are a hundred at most, and counted beyond", async () => {
    const { crew, put, models } = await startWorld();
    const operator = { id: "user", token: crew.relay.operatorToken };
    const ids = Array.from({ length: 102 }, (_, n) => `a${n}`);
    await Promise.all(ids.map((id) => crew.ask("PUT", `/v1/agents/${id}`, { name: id })));
    await Promise.all(ids.map((id) => put(operator, { items: [opus] }, id)));
    const [model] = (await models()).items;
    expect([model.agents.length, model.agentCount]).toEqual([100, 102]);
  });

  test("G10: models of agents are told by the agent itself, or an operator, whose act is recorded", async () => {
    const { crew, put } = await startWorld();
    expect((await put(crew.ben, { items: [opus] }, "ann")).status).toBe(403);
    await put(crew.ann, { items: [opus] });
    await put({ id: "user", token: crew.relay.operatorToken }, { items: [llama] }, "ann");
    const { items } = (await crew.ask("GET", "/v1/activity?verb=models.changed")).body;
    expect(items).toMatchObject([{ subject: "ann", data: { models: 1 } }]);
  });

  test("models of agents go when the agent is deleted, and restoring it brings none back", async () => {
    const { crew, put, models } = await startWorld();
    await put(crew.ann, { items: [opus] });
    await put(crew.ben, { items: [llama] });
    await crew.ask("DELETE", "/v1/agents/ben");
    expect((await models()).items.map(({ id }: { id: string }) => id)).toEqual(["opus"]);
    expect((await put({ id: "user", token: crew.relay.operatorToken }, { items: [] }, "ben")).status).toBe(410);
    await crew.ask("POST", "/v1/agents/ben/restore");
    expect((await models("?agent=ben")).items).toEqual([]);
  });

  test("G9: models of agents that contradict themselves are refused with their place", async () => {
    const { crew, put, models } = await startWorld();
    const many = Array.from({ length: 501 }, (_, n) => ({ id: `m${n}`, name: "M" }));
    for (const [body, pointer] of [
      [{ items: [opus], default: "gpt" }, "/default"],
      [{ items: [opus, llama, opus] }, "/items/2/id"],
      [{ items: many }, "/items"],
      [{ items: [{ id: "", name: "M" }] }, "/items/0/id"],
      [{ items: [{ id: "m" }] }, "/items/0/name"],
    ] as const) {
      const refused = await put(crew.ann, body);
      expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, pointer]);
    }
    expect((await models()).items).toEqual([]);
  });
});
