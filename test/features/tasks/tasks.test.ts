import { describe, expect, test } from "bun:test";
import { listen } from "../../support/listen.ts";
import { startRelay } from "../../support/relay.ts";
import { openStream } from "../../support/stream.ts";

async function crew() {
  const relay = await startRelay();
  const maker = await relay.agent("maker");
  const ann = await relay.agent("ann", { tags: ["pool"] });
  const ben = await relay.agent("ben", { tags: ["pool"] });
  const make = async (more: Record<string, unknown> = {}) => {
    const made = await relay.ask("POST", "/v1/tasks", { title: "Disk full", target: "tag:pool", ...more }, maker);
    expect(made.status).toBe(201);
    // Ids sort by the millisecond.
    relay.clock.advance(1);
    return made.body;
  };
  const task = async (id: string) => (await relay.ask("GET", `/v1/tasks/${id}`)).body;
  const steps = async (id: string) =>
    (await task(id)).events.map((e: { actor: string; to: string; note: string | null }) => [e.actor, e.to, e.note]);
  const message = async (id: number) => (await relay.ask("GET", `/v1/messages/${id}`)).body;
  const verb = (id: string, name: string, body: unknown, by: { token: string }) =>
    relay.ask("POST", `/v1/tasks/${id}/${name}`, body, by);
  const status = (id: string, to: string, by: { token: string }, more: object = {}) =>
    verb(id, "status", { status: to, ...more }, by);
  return {
    ...relay,
    maker,
    ann,
    ben,
    operator: { token: relay.relay.operatorToken },
    make,
    task,
    steps,
    message,
    verb,
    status,
  };
}

describe("a task made by hand", () => {
  test("a task made by hand is a claimable message from whoever made it, with its facts in the payload", async () => {
    const { make, message, task } = await crew();
    const made = await make({ severity: "critical", body: "On db-1.", topic: "disks", payload: { free: 0 } });
    expect(made).toMatchObject({ status: "open", severity: "critical", count: 1, source: null, from: "maker" });
    expect(await message(made.messageId)).toMatchObject({
      ...{ from: "maker", to: "tag:pool", kind: "task", topic: "disks", claimable: true, state: "open", urgent: true },
      ...{ subject: "[critical] Disk full", body: "On db-1." },
      payload: { taskId: made.id, title: "Disk full", severity: "critical", status: "open", payload: { free: 0 } },
    });
    expect(await task(made.id)).toMatchObject({ payload: { free: 0 }, events: [{ actor: "maker", from: null }] });
  });

  test("a task made by hand without a target has no message; who made it moves it along", async () => {
    const { make, status, verb, maker, ann, steps } = await crew();
    const { id, messageId, target } = await make({ target: undefined });
    expect([messageId, target]).toEqual([null, null]);
    expect((await verb(id, "claim", {}, ann)).body.code).toBe("forbidden");
    expect((await verb(id, "claim", {}, maker)).body.code).toBe("not-claimable");
    for (const to of ["in_progress", "blocked", "in_progress", "done"])
      expect((await status(id, to, maker)).body.status).toBe(to);
    expect((await status(id, "in_progress", maker)).body.code).toBe("not-open");
    expect((await steps(id)).map(([, to]: string[]) => to)).toEqual([
      "open",
      "in_progress",
      "blocked",
      "in_progress",
      "done",
    ]);
  });

  test("a task made by hand for nobody is refused at its target, and nothing is made", async () => {
    const { ask, maker } = await crew();
    const refused = await ask("POST", "/v1/tasks", { title: "x", target: "bem" }, maker);
    expect(refused.body).toMatchObject({
      code: "unknown-target",
      suggestions: ["ben"],
      errors: [{ pointer: "/target" }],
    });
    expect((await ask("POST", "/v1/tasks", { title: "x", target: "system" }, maker)).body.code).toBe("not-claimable");
    expect((await ask("GET", "/v1/tasks")).body.items).toEqual([]);
  });

  test("G5: a task made by hand with the same key is one task, as it is now; other content is refused", async () => {
    const { ask, maker, ann, verb } = await crew();
    const again = (title: string) =>
      ask("POST", "/v1/tasks", { title, target: "tag:pool" }, { ...maker, headers: { "idempotency-key": "k" } });
    const first = await again("once");
    await verb(first.body.id, "claim", {}, ann);
    const second = await again("once");
    expect([first.status, second.status, second.headers.get("idempotent-replayed")]).toEqual([201, 200, "true"]);
    expect(second.body).toMatchObject({ id: first.body.id, status: "claimed", holder: "ann" });
    expect((await again("twice")).body.code).toBe("idempotency-mismatch");
    expect((await ask("GET", "/v1/messages?to=tag:pool")).body.items).toHaveLength(1);
  });

  test("G10: a task made by hand in another's name is an operator's right alone", async () => {
    const { ask, ann, operator } = await crew();
    const draft = { from: "maker", title: "x", target: "ann" };
    expect((await ask("POST", "/v1/tasks", draft, ann)).status).toBe(403);
    const made = (await ask("POST", "/v1/tasks", draft, operator)).body;
    expect(made.from).toBe("maker");
    expect((await ask("GET", `/v1/messages/${made.messageId}`)).body.via).toStartWith("tok_");
  });
});

describe("the lease of a task is that of its message", () => {
  test("a task is claimed by itself or its message: both are held, and the answer has the task", async () => {
    const { make, ask, verb, ann, ben, task } = await crew();
    const one = await make();
    const claimed = await verb(one.id, "claim", { leaseSeconds: 60 }, ann);
    expect(claimed.body).toMatchObject({ message: { id: one.messageId, state: "claimed" }, claim: { attempt: 1 } });
    expect(claimed.body.task).toMatchObject({ id: one.id, status: "claimed", holder: "ann" });
    expect((await verb(one.id, "claim", {}, ben)).body).toMatchObject({ code: "already-claimed", claimedBy: "ann" });
    const two = await make();
    const next = await ask("POST", "/v1/agents/ben/claims", {}, ben);
    expect(next.body.items[0].task).toMatchObject({ id: two.id, status: "claimed", holder: "ben" });
    expect((await ask("GET", "/v1/agents/ben/claims", undefined, ben)).body.items[0].task.id).toBe(two.id);
    expect(await task(two.id)).toMatchObject({ status: "claimed", holder: "ben" });
  });

  test("renewing and releasing a task need no token from whoever holds it", async () => {
    const { make, verb, ann, ben, clock, task, steps } = await crew();
    const { id } = await make();
    await verb(id, "claim", { leaseSeconds: 60 }, ann);
    clock.advance(50_000);
    expect((await verb(id, "renew", {}, ben)).body.code).toBe("claim-lost");
    const renewed = await verb(id, "renew", { leaseSeconds: 100 }, ann);
    expect(Date.parse(renewed.body.claim.expiresAt)).toBe(clock.now() + 100_000);
    const released = await verb(id, "release", { reason: "lunch" }, ann);
    expect(released.body).toMatchObject({ message: { state: "open" }, task: { status: "open", holder: null } });
    expect((await verb(id, "release", {}, ann)).body.code).toBe("claim-lost");
    expect(await task(id)).toMatchObject({ status: "open", holder: null });
    expect((await steps(id)).at(-1)).toEqual(["ann", "open", "lunch"]);
  });

  test("G4: a task whose lease is lost is open to everybody again, and who lost it cannot end it", async () => {
    const { make, verb, status, ann, ben, pass, task, steps } = await crew();
    const { id } = await make();
    const { token } = (await verb(id, "claim", { leaseSeconds: 60 }, ann)).body.claim;
    await status(id, "blocked", ann, { note: "waits for parts" });
    await pass(61_000);
    expect(await task(id)).toMatchObject({ status: "open", holder: null });
    expect((await steps(id)).at(-1)).toEqual(["system", "open", "the lease of ann ran out"]);
    expect((await status(id, "done", ann, { token })).body.code).toBe("claim-lost");
    expect((await status(id, "done", ann)).body.code).toBe("claim-lost");
    expect((await verb(id, "claim", {}, ben)).body.task.holder).toBe("ben");
    expect((await status(id, "done", ann, { token })).body.code).toBe("claim-lost");
    expect(await task(id)).toMatchObject({ status: "claimed", holder: "ben" });
  });

  test("a lease of a task that has run out counts as lost before anything noticed", async () => {
    const { make, verb, status, ann, clock, task } = await crew();
    const { id } = await make();
    await verb(id, "claim", { leaseSeconds: 60 }, ann);
    clock.advance(61_000);
    expect((await status(id, "done", ann)).status).toBe(409);
    expect((await task(id)).status).not.toBe("done");
  });

  test("an agent that is deleted loses its tasks", async () => {
    const { make, verb, ask, ann, task } = await crew();
    const { id } = await make();
    await verb(id, "claim", {}, ann);
    await ask("DELETE", "/v1/agents/ann");
    expect(await task(id)).toMatchObject({ status: "open", holder: null });
  });
});

describe("its status", () => {
  test("the status of a task goes on and back while it is held, and its end completes the message", async () => {
    const { make, verb, status, ann, maker, ask, message, steps, task } = await crew();
    const { id, messageId } = await make();
    await verb(id, "claim", {}, ann);
    for (const to of ["in_progress", "blocked", "in_progress"])
      expect((await status(id, to, ann)).body.status).toBe(to);
    expect((await status(id, "in_progress", ann)).status).toBe(200);
    expect((await status(id, "done", ann, { note: "Freed 10 GB" })).body).toMatchObject({
      status: "done",
      holder: null,
    });
    expect((await message(messageId)).state).toBe("done");
    const inbox = await ask("GET", "/v1/agents/maker/inbox", undefined, maker);
    expect(inbox.body.items).toMatchObject([
      { kind: "response", from: "ann", body: "Freed 10 GB", replyTo: messageId },
    ]);
    expect(await steps(id)).toEqual([
      ["maker", "open", null],
      ["ann", "claimed", null],
      ["ann", "in_progress", null],
      ["ann", "blocked", null],
      ["ann", "in_progress", null],
      ["ann", "done", "Freed 10 GB"],
    ]);
    // Said again it changes nothing.
    expect((await status(id, "done", ann)).status).toBe(200);
    expect((await task(id)).events).toHaveLength(6);
  });

  test("the status of a task ends with the message, whichever verb ended that", async () => {
    const { make, ask, ann, maker, task } = await crew();
    const { id, messageId } = await make();
    const { claim } = (await ask("POST", `/v1/messages/${messageId}/claim`, {}, ann)).body;
    const done = await ask("POST", `/v1/messages/${messageId}/complete`, { token: claim.token, result: "ok" }, ann);
    expect(done.body.task).toMatchObject({ id, status: "done" });
    const other = await make();
    expect((await ask("POST", `/v1/messages/${other.messageId}/cancel`, undefined, maker)).status).toBe(200);
    expect((await task(other.id)).status).toBe("cancelled");
  });

  test("a task that failed is a dead letter, and requeueing opens it again", async () => {
    const { make, verb, status, ask, ann, ben, message, task, steps } = await crew();
    const { id, messageId } = await make();
    const { token } = (await verb(id, "claim", {}, ann)).body.claim;
    expect((await status(id, "failed", ann, { token, note: "No such disk" })).body.status).toBe("failed");
    expect(await message(messageId)).toMatchObject({ state: "dead" });
    expect((await ask("GET", "/v1/dead-letters")).body.items).toMatchObject([{ id: messageId, error: "No such disk" }]);
    expect((await status(id, "done", ann)).status).toBe(409);
    const again = await ask("POST", `/v1/messages/${messageId}/requeue`);
    expect(again.body.task).toMatchObject({ status: "open" });
    expect((await steps(id)).at(-1)).toEqual(["user", "open", "requeued"]);
    await verb(id, "claim", {}, ben);
    expect(await task(id)).toMatchObject({ status: "claimed", holder: "ben" });
  });

  test("attempts that fail open a task again, until they are used up", async () => {
    const { make, ask, ann, task } = await crew();
    const { id, messageId } = await make();
    for (let attempt = 1; attempt <= 5; attempt++) {
      const { claim } = (await ask("POST", `/v1/messages/${messageId}/claim`, {}, ann)).body;
      await ask("POST", `/v1/messages/${messageId}/fail`, { token: claim.token, error: `no ${attempt}` }, ann);
      expect((await task(id)).status).toBe(attempt < 5 ? "open" : "failed");
    }
    expect((await task(id)).events.at(-1)).toMatchObject({ actor: "ann", to: "failed", note: "no 5" });
  });

  test("a task is cancelled by who made it or an operator; whoever holds it is told", async () => {
    const { make, verb, status, ann, ben, maker, ask, message } = await crew();
    const { id, messageId } = await make();
    await verb(id, "claim", {}, ann);
    expect((await status(id, "cancelled", ann)).status).toBe(403);
    expect((await status(id, "cancelled", ben)).status).toBe(403);
    expect((await status(id, "done", maker)).status).toBe(403);
    expect((await status(id, "cancelled", maker, { note: "found it" })).body.status).toBe("cancelled");
    expect((await message(messageId)).state).toBe("cancelled");
    const { items } = (await ask("GET", "/v1/agents/ann/inbox?kind=system", undefined, ann)).body;
    expect(items).toMatchObject([{ payload: { messageId, state: "cancelled" } }]);
    expect((await verb(id, "claim", {}, ann)).body.code).toBe("not-open");
  });

  test("a task is ended by an operator whoever holds it, and both sides hear of it", async () => {
    const { make, verb, status, ann, maker, operator, ask, message } = await crew();
    const { id, messageId } = await make();
    const { token } = (await verb(id, "claim", {}, ann)).body.claim;
    expect((await status(id, "done", operator, { note: "was nothing" })).body.status).toBe("done");
    expect((await message(messageId)).state).toBe("done");
    expect((await status(id, "done", ann, { token })).body.code).toBe("claim-lost");
    for (const who of [ann, maker]) {
      const { items } = (await ask("GET", `/v1/agents/${who.id}/inbox?kind=system`, undefined, who)).body;
      expect(items).toHaveLength(1);
    }
  });

  test("the status of a task follows its order: nothing starts unclaimed, nothing goes on after its end", async () => {
    const { make, status, operator, maker, ann } = await crew();
    const { id } = await make();
    expect((await status(id, "in_progress", operator)).body.code).toBe("conflict");
    expect((await status(id, "in_progress", ann)).status).toBe(403);
    await status(id, "cancelled", maker);
    for (const to of ["in_progress", "done", "failed"])
      expect((await status(id, to, operator)).body.code).toBe("not-open");
  });
});

describe("tasks are found", () => {
  test("tasks are found by status, target, source, holder and severity, newest first, page by page", async () => {
    const { make, verb, ask, ann } = await crew();
    const ids: string[] = [];
    for (const severity of ["info", "error", "error"]) ids.push((await make({ severity })).id);
    ids.push((await make({ target: "ann" })).id, (await make({ target: undefined })).id);
    await verb(ids[1] as string, "claim", {}, ann);
    const found = async (query: string) =>
      (await ask("GET", `/v1/tasks?${query}`)).body.items.map(({ id }: { id: string }) => ids.indexOf(id));
    expect(await found("")).toEqual([4, 3, 2, 1, 0]);
    expect(await found("status=open")).toEqual([4, 3, 2, 0]);
    expect(await found("severity=error")).toEqual([2, 1]);
    expect(await found("severity=error&status=open")).toEqual([2]);
    expect(await found("target=ann")).toEqual([3]);
    expect(await found("holder=ann")).toEqual([1]);
    expect(await found("source=github")).toEqual([]);
    const first = (await ask("GET", "/v1/tasks?limit=2")).body;
    expect(first.items.map(({ id }: { id: string }) => id)).toEqual([ids[4], ids[3]]);
    const second = await ask("GET", `/v1/tasks?limit=2&page=${first.nextPage}`);
    expect(second.body.items.map(({ id }: { id: string }) => id)).toEqual([ids[2], ids[1]]);
    expect(second.headers.get("link")).toContain('rel="next"');
    expect((await ask("GET", `/v1/tasks?limit=2&page=${second.body.nextPage}`)).body).toMatchObject({ nextPage: null });
  });

  test("G10: tasks are found by an agent as far as they are its own, its target's or its work", async () => {
    const { make, verb, agent, ask, maker, ann, ben, operator } = await crew();
    const shared = (await make()).id;
    const mine = (await make({ target: undefined })).id;
    const bens = (await make({ target: "ben" })).id;
    const carl = await agent("carl");
    const seen = async (who: { token: string }) =>
      (await ask("GET", "/v1/tasks", undefined, who)).body.items.map(({ id }: { id: string }) => id).toReversed();
    expect(await seen(operator)).toEqual([shared, mine, bens]);
    expect(await seen(maker)).toEqual([shared, mine, bens]);
    expect(await seen(ann)).toEqual([shared]);
    expect(await seen(ben)).toEqual([shared, bens]);
    expect(await seen(carl)).toEqual([]);
    expect((await ask("GET", `/v1/tasks/${mine}`, undefined, ann)).body.code).toBe("forbidden");
    expect((await ask("GET", "/v1/tasks/tsk_none", undefined, ann)).body.code).toBe("not-found");
    await verb(shared, "claim", {}, ann);
    expect((await ask("GET", `/v1/tasks?holder=ann`, undefined, carl)).body.items).toEqual([]);
    expect((await ask("GET", `/v1/tasks?holder=ann`, undefined, ann)).body.items).toHaveLength(1);
  });

  test("tasks are found in the story of their message", async () => {
    const { make, verb, status, ask, ann } = await crew();
    const { id, messageId } = await make();
    await verb(id, "claim", {}, ann);
    await status(id, "blocked", ann, { note: "waits" });
    const { facts } = (await ask("GET", `/v1/messages/${messageId}/explain`)).body;
    expect(facts.filter(({ step }: { step: string }) => step === "task")).toMatchObject([
      { taskId: id, actor: "maker", from: null, to: "open" },
      { taskId: id, actor: "ann", from: "open", to: "claimed" },
      { taskId: id, actor: "ann", from: "claimed", to: "blocked", note: "waits" },
    ]);
  });

  test("tasks are found by those who watch, at each change", async () => {
    const { make, verb, status, ann, relay } = await crew();
    const stream = await openStream(`${listen({ relay })}/v1/messages/stream`, { token: relay.operatorToken });
    await stream.first("hello");
    const { id } = await make();
    await verb(id, "claim", {}, ann);
    await status(id, "done", ann);
    await stream.until((so) => so.of("task").length >= 3);
    expect(stream.of("task").map((event) => event.data)).toMatchObject([
      { id, status: "open" },
      { id, status: "claimed", holder: "ann" },
      { id, status: "done" },
    ]);
  });
});

describe("what is kept", () => {
  test("G7: every step of a task survives a restart before the next", async () => {
    const { make, verb, status, restart, ann, pass, task, steps, message } = await crew();
    const { id, messageId } = await make();
    await restart();
    await verb(id, "claim", { leaseSeconds: 60 }, ann);
    await restart();
    await status(id, "in_progress", ann);
    await restart();
    expect(await task(id)).toMatchObject({ status: "in_progress", holder: "ann" });
    await restart(120_000);
    await pass(31_000);
    expect(await task(id)).toMatchObject({ status: "open", holder: null });
    await verb(id, "claim", {}, ann);
    await restart();
    await status(id, "done", ann);
    await restart();
    expect((await message(messageId)).state).toBe("done");
    expect((await steps(id)).map(([, to]: string[]) => to)).toEqual([
      ...["open", "claimed", "in_progress", "open", "claimed", "done"],
    ]);
  });

  test("an ended task goes with its message after the retention time; live and dead ones stay", async () => {
    const relay = await startRelay({ retentionDays: 1 });
    const { ask, pass, clock } = relay;
    const ann = await relay.agent("ann");
    const make = async (target?: string) => (await ask("POST", "/v1/tasks", { title: "x", target })).body.id as string;
    const [open, done, loose, dead] = [await make("ann"), await make("ann"), await make(), await make("ann")];
    await ask("POST", `/v1/tasks/${done}/status`, { status: "done" });
    await ask("POST", `/v1/tasks/${loose}/status`, { status: "cancelled" });
    await ask("POST", `/v1/tasks/${dead}/claim`, {}, ann);
    await ask("POST", `/v1/tasks/${dead}/status`, { status: "failed" }, ann);
    const there = async (id: string) => (await ask("GET", `/v1/tasks/${id}`)).status === 200;
    for (let hour = 0; hour < 30; hour++) await pass(3_600_000);
    expect(clock.now()).toBeGreaterThan(0);
    expect([await there(open), await there(done), await there(loose), await there(dead)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });
});
