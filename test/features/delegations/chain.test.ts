import { describe, expect, test } from "bun:test";
import { startTeam } from "../../support/delegations.ts";

describe("the chain is counted by the server", () => {
  test("the chain of delegations is at most 5 deep, whatever the caller says", async () => {
    const { agent, delegate, tryDelegate, ack } = await startTeam();
    const [first, ...rest] = await Promise.all([0, 1, 2, 3, 4, 5, 6].map((n) => agent(`link${n}`)));
    let by = first as { id: string; token: string };
    const chain: { id: string; depth: number; rootId: string }[] = [];
    for (const next of rest.slice(0, 5)) {
      chain.push(await delegate(by, next.id, { parentId: chain.at(-1)?.id }));
      by = next;
    }
    expect(chain.map(({ depth }) => depth)).toEqual([1, 2, 3, 4, 5]);
    expect(new Set(chain.map(({ rootId }) => rootId)).size).toBe(1);
    const deep = { status: 422, body: { code: "too-deep" } };
    expect(await tryDelegate(by, "link6", { parentId: chain[4]?.id })).toMatchObject(deep);
    expect(await tryDelegate(by, "link6", { depth: 0 })).toMatchObject({ status: 422, body: { code: "invalid" } });
    expect(await tryDelegate(by, "link6", { parentId: chain[0]?.id })).toMatchObject({ status: 403 });
    await ack(by);
    for (const said of [{}, { parentId: null }]) expect(await tryDelegate(by, "link6", said)).toMatchObject(deep);
  });

  test("a cycle of delegations is refused, and asking oneself", async () => {
    const { delegate, tryDelegate, ada, bob, cid } = await startTeam();
    expect(await tryDelegate(ada, "ada")).toMatchObject({ status: 422, body: { code: "cycle" } });
    const one = await delegate(ada, "bob");
    const two = await delegate(bob, "cid", { parentId: one.id });
    const cycle = { status: 422, body: { code: "cycle" } };
    for (const target of ["ada", "bob", "cid"])
      expect(await tryDelegate(cid, target, { parentId: two.id })).toMatchObject(cycle);
    expect((await tryDelegate(cid, "dan", { parentId: two.id })).status).toBe(201);
  });

  test("the parent of a delegation that names none is the claim taken last", async () => {
    const { delegate, ada, dan, pat, claim } = await startTeam();
    await delegate(dan, "pat");
    const work = await delegate(ada, "tag:pool");
    await claim(pat);
    expect(await delegate(pat, "bob")).toMatchObject({ parentId: work.id, depth: 2 });
  });

  test("the parent of a delegation without a claim is the one request that was acknowledged and is not answered", async () => {
    const { delegate, ada, bob, cid, ack, on } = await startTeam();
    const one = await delegate(ada, "cid");
    expect(await delegate(cid, "dan")).toMatchObject({ parentId: null, depth: 1 });
    await ack(cid);
    expect(await delegate(cid, "dan")).toMatchObject({ parentId: one.id, depth: 2 });
    await delegate(bob, "cid");
    await ack(cid);
    // Of two, neither is clearly meant.
    expect(await delegate(cid, "dan")).toMatchObject({ parentId: null });
    await on(one, "response", cid, { text: "done" });
    expect(await delegate(cid, "dan")).toMatchObject({ depth: 2 });
  });

  test("the parent of a delegation may be the request in the thread that is named", async () => {
    const { delegate, ada, bob, cid } = await startTeam();
    const [one, two] = [await delegate(ada, "cid"), await delegate(bob, "cid")];
    expect(await delegate(cid, "dan", { parentId: two.id })).toMatchObject({ parentId: two.id });
    const inThread = await delegate(cid, "dan", { threadId: one.threadId });
    expect(inThread).toMatchObject({ parentId: one.id, threadId: one.threadId });
  });

  test("peers that ask each other all the time are no chain", async () => {
    const { delegate, ada, bob, cid } = await startTeam();
    for (const [by, to] of [
      [ada, bob],
      [bob, ada],
      [bob, cid],
      [cid, ada],
      [ada, cid],
    ] as const)
      expect(await delegate(by, to.id)).toMatchObject({ depth: 1, parentId: null });
  });

  test("the parent of a delegation has to be one that the asker works on", async () => {
    const { delegate, tryDelegate, ada, bob, cid, on } = await startTeam();
    const asked = await delegate(ada, "bob");
    expect(await tryDelegate(cid, "dan", { parentId: asked.id })).toMatchObject({ status: 403 });
    expect(await tryDelegate(ada, "dan", { parentId: asked.id })).toMatchObject({ status: 403 });
    expect(await tryDelegate(bob, "dan", { parentId: "dlg_none" })).toMatchObject({ status: 422 });
    await on(asked, "cancel", ada);
    expect(await tryDelegate(bob, "dan", { parentId: asked.id })).toMatchObject({ status: 409 });
    expect(await delegate(bob, "dan")).toMatchObject({ parentId: null, depth: 1 });
  });

  test("a person begins a chain of delegations anew", async () => {
    const { delegate, ada, ask } = await startTeam();
    await delegate(ada, "user");
    const { body } = await ask("POST", "/v1/delegations", { to: "ada", text: "your turn" });
    expect(body).toMatchObject({ from: "user", parentId: null, depth: 1 });
  });

  test("a child delegation is caused by its parent's request", async () => {
    const { delegate, ada, bob, ask } = await startTeam();
    const parent = await delegate(ada, "bob");
    const child = await delegate(bob, "cid", { parentId: parent.id });
    const { body } = await ask("GET", `/v1/messages/${child.messageId}`);
    expect(body).toMatchObject({ causedBy: parent.messageId, hops: 1 });
  });
});

describe("budgets", () => {
  test("an agent may have so many delegations open, and again when some have ended", async () => {
    const { delegate, tryDelegate, ada, bob, on, look } = await startTeam({ delegationsPerAgent: 2 });
    const first = await delegate(ada, "bob");
    await delegate(ada, "cid");
    expect(await tryDelegate(ada, "dan")).toMatchObject({ status: 409, body: { code: "budget-exceeded" } });
    await on(first, "response", bob, { text: "done" });
    expect(await look(first)).toMatchObject({ status: "answered" });
    expect((await tryDelegate(ada, "dan")).status).toBe(201);
  });

  test("a tree may have so many delegations open", async () => {
    const { delegate, tryDelegate, ada, bob, cid } = await startTeam({ delegationsPerRoot: 3 });
    const { id: parentId } = await delegate(ada, "bob");
    const child = await delegate(bob, "cid", { parentId });
    await delegate(bob, "dan", { parentId });
    const refused = await tryDelegate(cid, "pat", { parentId: child.id });
    expect(refused).toMatchObject({ status: 409, body: { code: "budget-exceeded" } });
    // Another tree is not concerned.
    expect((await tryDelegate(ada, "pat")).status).toBe(201);
  });
});

describe("whom can be asked", () => {
  test("G8: nobody can be asked by an unknown name, nor system, nor in another's name", async () => {
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
