import { describe, expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";

async function withCrowd() {
  const relay = await startRelay();
  const { ask } = relay;
  const crowd: [string, Record<string, unknown>][] = [
    ["a-1", { tags: ["red", "big"], machine: "m1", label: "x" }],
    ["a-2", { tags: ["red"], capabilities: ["build"], machine: "m2", label: "x" }],
    ["a-3", { tags: ["blue"], capabilities: ["build", "test"], status: "busy" }],
    ["slack:T1", { channel: { provider: "slack", accountId: "T1" }, tags: ["red"] }],
  ];
  for (const [id, fields] of crowd) await ask("PUT", `/v1/agents/${id}`, { name: id, ...fields });
  const ids = async (query: string) =>
    (await ask("GET", `/v1/agents${query}`)).body.items.map((agent: { id: string }) => agent.id) as string[];
  return { ...relay, ids };
}

describe("the list of agents", () => {
  test.each([
    ["", ["a-1", "a-2", "a-3", "slack:T1", "system", "user"]],
    ["?kind=provider", ["a-1", "a-2", "a-3"]],
    ["?kind=channel", ["slack:T1"]],
    ["?kind=user", ["user"]],
    ["?status=busy", ["a-3"]],
    ["?tag=red", ["a-1", "a-2", "slack:T1"]],
    ["?tag=re", []],
    ["?capability=build", ["a-2", "a-3"]],
    ["?label=x", ["a-1", "a-2"]],
    ["?machine=m2", ["a-2"]],
    ["?tag=red&capability=build", ["a-2"]],
    ["?tag=red&kind=provider&machine=m1&label=x&status=online", ["a-1"]],
    ["?tag=red&status=offline", []],
  ])('the list of agents is narrowed by "%s"', async (query, expected) => {
    const { ids } = await withCrowd();
    expect(await ids(query)).toEqual(expected);
  });

  test.each(["?kind=robot", "?status=asleep", "?limit=0", "?limit=501", "?limit=x", "?colour=red", "?tag=a&tag=b"])(
    "the list of agents with %s is refused",
    async (query) => {
      const { ask } = await withCrowd();
      expect((await ask("GET", `/v1/agents${query}`)).status).toBe(422);
    },
  );

  test("the list of agents has pages without gaps or repeats, and Link says where the next one is", async () => {
    const { ask, agent, clock } = await withCrowd();
    for (let i = 0; i < 20; i++) await agent(`z-${String(i).padStart(2, "0")}`);
    const seen: string[] = [];
    let path = "/v1/agents?limit=7&kind=provider";
    for (;;) {
      const { body, headers } = await ask("GET", path);
      seen.push(...body.items.map((one: { id: string }) => one.id));
      expect(body.items.length).toBeLessThanOrEqual(7);
      const next = /^<(.*)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
      expect(next === undefined).toBe(body.nextPage === null);
      if (next === undefined) break;
      path = next;
      clock.advance(1);
    }
    expect(seen).toEqual([...new Set(seen)].sort());
    expect(seen).toHaveLength(23);
  });

  test("the list of agents has no agent that was deleted", async () => {
    const { ask, ids } = await withCrowd();
    await ask("DELETE", "/v1/agents/a-2");
    expect(await ids("?tag=red")).toEqual(["a-1", "slack:T1"]);
  });
});

describe("a name that nobody has", () => {
  test("a name that nobody has is answered with the nearest ones, nearest first, at most three", async () => {
    const { ask, agent } = await withCrowd();
    for (const id of ["reviewer", "reviewer-2", "reviewer-22", "preview", "builder"]) await agent(id);
    const send = await ask("POST", "/v1/messages", { to: "reviewr", body: "x" });
    expect(send.body.suggestions).toEqual(["reviewer", "preview", "reviewer-2"]);
    const look = await ask("GET", "/v1/agents/bulder");
    expect([look.status, look.body.suggestions[0]]).toEqual([404, "builder"]);
    const inbox = await ask("GET", "/v1/agents/bulder/inbox");
    expect([inbox.status, inbox.body.suggestions[0]]).toEqual([404, "builder"]);
  });

  test("a name that is like nobody's gets no suggestion", async () => {
    const { ask } = await withCrowd();
    expect((await ask("POST", "/v1/messages", { to: "zzzzzzzzzz", body: "x" })).body.suggestions).toEqual([]);
  });

  test("G8: a target that does not exist is refused, and one that is away is queued for", async () => {
    const { ask } = await withCrowd();
    for (const to of ["nobody", "@nobody", "orchestrator:nobody", "label:", "a b"])
      expect((await ask("POST", "/v1/messages", { to, body: "x" })).body).toMatchObject({
        status: 422,
        code: "unknown-target",
        errors: [{ pointer: "/to" }],
      });
    await ask("PATCH", "/v1/agents/a-1", { status: "offline" });
    const { body } = await ask("POST", "/v1/messages", { to: "a-1", body: "x" });
    expect((await ask("GET", "/v1/agents/a-1/inbox")).body.items).toMatchObject([{ id: body.id }]);
  });
});
