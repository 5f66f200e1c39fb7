import { describe, expect, test } from "bun:test";
import { startFleet } from "../../support/sessions.ts";

async function withWork() {
  const fleet = await startFleet();
  const { ask, put, box } = fleet;
  await put(box, "ses_a", { state: "working" });
  const draft = { agentId: "box-one", task: "Count the lanterns", sessionId: "ses_a", leaseSeconds: 3600 };
  const run = (await ask("POST", "/v1/runs", draft, box)).body;
  const { id } = (await ask("POST", "/v1/messages", { to: "box-one", body: "x", claimable: true })).body;
  const { claim } = (await ask("POST", `/v1/messages/${id}/claim`, { agentId: "box-one", leaseSeconds: 3600 }, box))
    .body;
  return {
    ...fleet,
    ...{ run, id, claim },
    notices: async () =>
      (await ask("GET", "/v1/messages?to=user")).body.items.filter(({ subject }: { subject: string | null }) =>
        subject?.startsWith("Work without a process"),
      ),
  };
}

describe("work without a process", () => {
  test("a run and a claim that a dead session leaves are told to the owner once", async () => {
    const { put, pass, restart, notices, run, id, box } = await withWork();
    await put(box, "ses_a", { state: "dead", reason: "exited with 1" });
    await put(box, "ses_a", { state: "dead", reason: "exited with 1" });
    expect(await notices()).toEqual([]);
    await restart(61_000);
    await pass(61_000);
    const [notice, ...more] = await notices();
    expect(more).toEqual([]);
    for (const part of ["ses_a", "exited with 1", run.id, `message ${id}`]) expect(notice.body).toContain(part);
  });

  test("what was ended meanwhile, and what another session of the agent goes on with, is no news", async () => {
    const { put, pass, notices, ask, run, box } = await withWork();
    await put(box, "ses_b", { lane: "background" });
    await put(box, "ses_a", { state: "dead" });
    const headers = { "signalbox-run": run.token };
    await ask("POST", `/v1/runs/${run.id}/finish`, { outcome: "error", error: "crashed" }, { ...box, headers });
    await pass(61_000);
    expect(await notices()).toEqual([]);
  });

  test("a session that comes back in time leaves nothing", async () => {
    const { put, pass, notices, box } = await withWork();
    await put(box, "ses_a", { state: "dead" });
    await put(box, "ses_a", { state: "working" });
    await pass(61_000);
    expect(await notices()).toEqual([]);
  });
});
