import { describe, expect, test } from "bun:test";
import { startTeam } from "./support/delegations.ts";

describe("the chain is counted by the server", () => {
  test("at most 5 deep, whatever the caller says", async () => {
    const { agent, delegate, tryDelegate } = await startTeam();
    const crew = [];
    for (let n = 0; n < 7; n++) crew.push(await agent(`link${n}`));
    const [first, ...rest] = crew as [(typeof crew)[number], ...typeof crew];
    let by = first;
    const chain = [];
    for (const next of rest.slice(0, 5)) {
      chain.push(await delegate(by, next.id));
      by = next;
    }
    expect(chain.map(({ depth }) => depth)).toEqual([1, 2, 3, 4, 5]);
    expect(new Set(chain.map(({ rootId }) => rootId)).size).toBe(1);
    expect(await tryDelegate(by, "link6")).toMatchObject({ status: 422, body: { code: "too-deep" } });
    expect(await tryDelegate(by, "link6", { depth: 0 })).toMatchObject({ status: 422, body: { code: "invalid" } });
    expect(await tryDelegate(by, "link6", { parentId: null })).toMatchObject({ body: { code: "too-deep" } });
    expect(await tryDelegate(by, "link6", { parentId: chain[0]?.id })).toMatchObject({ status: 403 });
  });

  test("a cycle is refused, and asking oneself", async () => {
    const { delegate, tryDelegate, ada, bob, cid } = await startTeam();
    expect(await tryDelegate(ada, "ada")).toMatchObject({ status: 422, body: { code: "cycle" } });
    await delegate(ada, "bob");
    await delegate(bob, "cid");
    for (const target of ["ada", "bob", "cid"])
      expect(await tryDelegate(cid, target)).toMatchObject({ status: 422, body: { code: "cycle" } });
    expect((await tryDelegate(cid, "dan")).status).toBe(201);
  });

  test("of what is left out the claim taken last is the parent", async () => {
    const { delegate, ada, dan, pat, claim } = await startTeam();
    await delegate(dan, "pat");
    const work = await delegate(ada, "tag:pool");
    await claim(pat);
    expect(await delegate(pat, "bob")).toMatchObject({ parentId: work.id, depth: 2 });
  });

  test("who was asked several things says which, by the parent or the thread", async () => {
    const { delegate, tryDelegate, ada, bob, cid } = await startTeam();
    const [one, two] = [await delegate(ada, "cid"), await delegate(bob, "cid")];
    const unsure = await tryDelegate(cid, "dan");
    expect(unsure).toMatchObject({ status: 422, body: { errors: [{ pointer: "/parentId" }] } });
    expect(unsure.body.detail).toContain(one.id);
    expect(await delegate(cid, "dan", { parentId: two.id })).toMatchObject({ parentId: two.id });
    const inThread = await delegate(cid, "dan", { threadId: one.threadId });
    expect(inThread).toMatchObject({ parentId: one.id, threadId: one.threadId });
  });

  test("a parent has to be one that the asker works on", async () => {
    const { delegate, tryDelegate, ada, bob, cid, on } = await startTeam();
    const asked = await delegate(ada, "bob");
    expect(await tryDelegate(cid, "dan", { parentId: asked.id })).toMatchObject({ status: 403 });
    expect(await tryDelegate(ada, "dan", { parentId: asked.id })).toMatchObject({ status: 403 });
    expect(await tryDelegate(bob, "dan", { parentId: "dlg_none" })).toMatchObject({ status: 422 });
    await on(asked, "cancel", ada);
    expect(await tryDelegate(bob, "dan", { parentId: asked.id })).toMatchObject({ status: 409 });
    expect(await delegate(bob, "dan")).toMatchObject({ parentId: null, depth: 1 });
  });

  test("a person begins anew", async () => {
    const { delegate, ada, ask } = await startTeam();
    await delegate(ada, "user");
    const { body } = await ask("POST", "/v1/delegations", { to: "ada", text: "your turn" });
    expect(body).toMatchObject({ from: "user", parentId: null, depth: 1 });
  });

  test("a child is caused by its parent's request", async () => {
    const { delegate, ada, bob, ask } = await startTeam();
    const parent = await delegate(ada, "bob");
    const child = await delegate(bob, "cid");
    const { body } = await ask("GET", `/v1/messages/${child.messageId}`);
    expect(body).toMatchObject({ causedBy: parent.messageId, hops: 1 });
  });
});

describe("budgets", () => {
  test("an agent may have so many open, and again when some have ended", async () => {
    const { delegate, tryDelegate, ada, bob, on, look } = await startTeam({ delegationsPerAgent: 2 });
    const first = await delegate(ada, "bob");
    await delegate(ada, "cid");
    expect(await tryDelegate(ada, "dan")).toMatchObject({ status: 409, body: { code: "budget-exceeded" } });
    await on(first, "response", bob, { text: "done" });
    expect(await look(first)).toMatchObject({ status: "answered" });
    expect((await tryDelegate(ada, "dan")).status).toBe(201);
  });

  test("a tree may have so many open", async () => {
    const { delegate, tryDelegate, ada, bob, cid } = await startTeam({ delegationsPerRoot: 3 });
    await delegate(ada, "bob");
    await delegate(bob, "cid");
    await delegate(bob, "dan");
    expect(await tryDelegate(cid, "pat")).toMatchObject({ status: 409, body: { code: "budget-exceeded" } });
    // Another tree is not concerned.
    expect((await tryDelegate(ada, "pat")).status).toBe(201);
  });
});

describe("whom can be asked", () => {
  test("G8: nobody by an unknown name, nor system, nor in another's name", async () => {
    const { tryDelegate, ada } = await startTeam();
    expect(await tryDelegate(ada, "bobb")).toMatchObject({
      ...{ status: 422, body: { code: "unknown-target" } },
    });
    expect(await tryDelegate(ada, "system")).toMatchObject({ status: 422 });
    expect(await tryDelegate(ada, "cid", { from: "bob" })).toMatchObject({ status: 403 });
    expect(await tryDelegate(ada, "cid", { threadId: 999 })).toMatchObject({ status: 422 });
    expect(await tryDelegate(ada, "cid", { timeoutSeconds: 0 })).toMatchObject({ status: 422 });
    expect(await tryDelegate(ada, "cid", { text: "x".repeat(300_000) })).toMatchObject({ status: 422 });
  });
});
