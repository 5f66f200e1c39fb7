import { describe, expect, test } from "bun:test";
import { PLAIN_KINDS } from "../../../src/protocol/limits.ts";
import { startCrew } from "../../support/work.ts";

const FOR_ONE = ["task"];

describe("what may be claimable", () => {
  test("tasks for one agent may be claimable; talk is refused, never sent unclaimable", async () => {
    const { ask, boss, ann } = await startCrew();
    for (const kind of PLAIN_KINDS) {
      const sent = await ask("POST", "/v1/messages", { to: "ann", body: kind, kind, claimable: true }, boss);
      if (FOR_ONE.includes(kind)) {
        expect(sent).toMatchObject({ status: 201, body: { kind, claimable: true, state: "open" } });
        continue;
      }
      expect(sent).toMatchObject({ status: 422, body: { code: "not-claimable", errors: [{ pointer: "/claimable" }] } });
    }
    const { items } = (await ask("GET", "/v1/agents/ann/inbox", undefined, ann)).body;
    expect(items.map((item: { kind: string }) => item.kind)).toEqual(FOR_ONE);
  });

  test("either kind for a group may be claimable, for several could take it", async () => {
    const { ask, boss } = await startCrew();
    for (const to of ["tag:crew", "broadcast", "cap:nobody", "label:nobody"])
      for (const kind of PLAIN_KINDS) {
        const sent = await ask("POST", "/v1/messages", { to, body: kind, kind, claimable: true }, boss);
        expect(sent).toMatchObject({ status: 201, body: { kind, state: "open" } });
      }
  });

  test("a claimable message without a kind is a task; without claimable it has no state and cannot be claimed", async () => {
    const { ask, boss, ann } = await startCrew();
    const work = await ask("POST", "/v1/messages", { to: "ann", body: "x", claimable: true }, boss);
    expect(work.body).toMatchObject({ kind: "task", state: "open" });
    const talk = await ask("POST", "/v1/messages", { to: "ann", body: "x", kind: "task" }, boss);
    expect(talk.body).toMatchObject({ kind: "task", claimable: false, state: null });
    const claimed = await ask("POST", `/v1/messages/${talk.body.id}/claim`, {}, ann);
    expect(claimed).toMatchObject({ status: 422, body: { code: "not-claimable" } });
    expect(await ask("POST", "/v1/messages/999/claim", {}, ann)).toMatchObject({ status: 404 });
  });

  test("nothing is claimable for system, which claims nothing", async () => {
    const { ask, boss } = await startCrew();
    const sent = await ask("POST", "/v1/messages", { to: "system", body: "x", claimable: true }, boss);
    expect(sent).toMatchObject({ status: 422, body: { code: "not-claimable" } });
  });

  test("held work is refused to others, saying who holds it and until when", async () => {
    const { open, ask, ann, ben, boss, clock } = await startCrew();
    const id = await open();
    const claimed = await ask("POST", `/v1/messages/${id}/claim`, { leaseSeconds: 60 }, ann);
    expect(claimed).toMatchObject({ status: 200, body: { message: { state: "claimed" }, claim: { attempt: 1 } } });
    const expiresAt = new Date(clock.now() + 60_000).toISOString();
    for (const other of [ben, ann])
      expect(await ask("POST", `/v1/messages/${id}/claim`, {}, other)).toMatchObject({
        status: 409,
        body: { code: "already-claimed", claimedBy: "ann", expiresAt },
      });
    expect(await ask("POST", `/v1/messages/${id}/claim`, {}, boss)).toMatchObject({ status: 403 });
  });
});
