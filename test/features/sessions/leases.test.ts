import { describe, expect, test } from "bun:test";
import { VERSION } from "../../../src/version.ts";
import { startFleet } from "../../support/sessions.ts";

const LEASE_MS = 120_000;

describe("the lease of a session", () => {
  test("G12: a lease has one holder, its fence only rises, and renewing keeps it", async () => {
    const { put, lease, does, see, clock, box } = await startFleet();
    await put(box, "ses_a");
    const first = await lease(box, "ses_a");
    expect(first).toEqual({ fence: 1, expiresAt: new Date(clock.now() + LEASE_MS).toISOString() });
    expect((await see("ses_a")).lease).toEqual({ ...first, live: true });
    const second = await does(box, "ses_a", "lease");
    expect([second.status, second.body.code, second.body.claimedBy]).toEqual([409, "already-claimed", "box"]);
    clock.advance(100_000);
    const renewed = await does(box, "ses_a", "renew", { fence: 1, leaseSeconds: 30 });
    expect(renewed.body).toEqual({ fence: 1, expiresAt: new Date(clock.now() + 30_000).toISOString() });
    expect((await does(box, "ses_a", "renew", { fence: 0 })).body.code).toBe("claim-lost");
    expect((await does(box, "ses_a", "release", { fence: 1 })).body.lease).toBeNull();
    expect((await does(box, "ses_a", "release", { fence: 1 })).status).toBe(200);
    expect((await does(box, "ses_a", "renew", { fence: 1 })).body.code).toBe("claim-lost");
    expect((await lease(box, "ses_a")).fence).toBe(2);
  });

  test("G12: a lease that ran out is not free: its own orchestrator takes it back, another does not", async () => {
    const { put, lease, does, see, clock, orchestrator, box } = await startFleet();
    const rack = await orchestrator("rack");
    await put(box, "ses_a");
    await lease(box, "ses_a");
    clock.advance(10 * LEASE_MS);
    expect((await see("ses_a")).lease).toMatchObject({ fence: 1, live: false });
    for (const body of [{}, { seenDead: true }])
      expect((await does(rack, "ses_a", "lease", body)).body.code).toBe("already-claimed");
    expect((await does(rack, "ses_a", "lease", { force: true })).body.code).toBe("forbidden");
    expect((await does(box, "ses_a", "lease")).body.code).toBe("already-claimed");
    // Nobody took it meanwhile, so the one that holds it may still renew it.
    expect((await does(box, "ses_a", "renew", { fence: 1 })).status).toBe(200);
    expect((await lease(box, "ses_a", { seenDead: true })).fence).toBe(2);
    expect((await does(box, "ses_a", "renew", { fence: 1 })).body.code).toBe("claim-lost");
  });

  test("G12: another orchestrator takes a session after its release, and the older fence is lost", async () => {
    const { put, tryPut, lease, does, see, orchestrator, enroll, box } = await startFleet();
    const rack = await orchestrator("rack");
    await enroll(rack, "rack-one");
    await put(box, "ses_a", { nativeId: "n-1" });
    const { fence } = await lease(box, "ses_a");
    expect((await does(rack, "ses_a", "lease")).status).toBe(409);
    await does(box, "ses_a", "release", { fence });
    const taken = await lease(rack, "ses_a");
    expect(taken.fence).toBe(2);
    expect((await see("ses_a")).orchestratorId).toBe("rack");
    for (const verb of ["renew", "release"])
      expect((await does(box, "ses_a", verb, { fence })).body.code).toBe("claim-lost");
    expect((await tryPut(box, "ses_a", { fence })).body.code).toBe("claim-lost");
    expect((await tryPut(box, "ses_a")).body.code).toBe("forbidden");
    expect((await does(box, "ses_a", "lease", { seenDead: true })).body.code).toBe("already-claimed");
    const moved = await put(rack, "ses_a", { agentId: "rack-one", state: "working", fence: 2 });
    expect(moved).toMatchObject({ agentId: "rack-one", nativeId: "n-1", state: "working" });
  });

  test("G12: an operator's force frees a session whose machine is gone, and is recorded", async () => {
    const { put, tryPut, lease, does, ask, orchestrator, box } = await startFleet();
    const rack = await orchestrator("rack");
    await put(box, "ses_a");
    const { fence } = await lease(box, "ses_a");
    const member = (await ask("POST", "/v1/tokens", { role: "member" })).body;
    for (const by of [box, rack, member])
      expect((await does(by, "ses_a", "lease", { force: true })).body.code).toBe("forbidden");
    expect((await does(undefined, "ses_a", "lease")).body.code).toBe("forbidden");
    expect((await does(undefined, "ses_a", "lease", { force: true })).body.fence).toBe(2);
    expect((await tryPut(box, "ses_a", { fence })).body.code).toBe("claim-lost");
    expect((await lease(rack, "ses_a")).fence).toBe(3);
    const { items } = (await ask("GET", "/v1/activity")).body;
    expect(items[0]).toMatchObject({ verb: "session.freed", subject: "ses_a" });
  });

  test("G12: a report names the fence while its session is leased, and an older one changes nothing", async () => {
    const { put, tryPut, lease, see, box } = await startFleet();
    await put(box, "ses_a");
    await lease(box, "ses_a");
    const { fence } = await lease(box, "ses_a", { seenDead: true });
    expect((await tryPut(box, "ses_a", { state: "working" })).body.errors[0].pointer).toBe("/fence");
    expect((await tryPut(box, "ses_a", { state: "working", fence: fence - 1 })).body.code).toBe("claim-lost");
    expect((await see("ses_a")).state).toBe("starting");
    await put(box, "ses_a", { state: "working", fence });
    // Its process has ended: nobody writes it any more.
    const dead = await put(box, "ses_a", { state: "dead", fence });
    expect([dead.lease, dead.pid, typeof dead.endedAt]).toEqual([null, null, "string"]);
  });

  test("G12: an instance that was superseded leases, renews and reports nothing", async () => {
    const { put, lease, ask, tryPut, box } = await startFleet();
    const settings = { hostname: "box", baseDir: "/work", version: VERSION, providers: [] };
    await ask("PUT", "/v1/orchestrators/box", { ...settings, instanceId: "i1" }, box);
    await put(box, "ses_a");
    const { fence } = await lease(box, "ses_a");
    await ask("PUT", "/v1/orchestrators/box", { ...settings, instanceId: "i2" }, box);
    const old = { ...box, instance: "i1" };
    for (const [verb, body] of [
      ["lease", { seenDead: true }],
      ["renew", { fence }],
      ["release", { fence }],
    ] as const)
      expect((await ask("POST", `/v1/sessions/ses_a/${verb}`, body, old)).body.code).toBe("superseded");
    expect((await tryPut(old, "ses_a", { fence })).body.code).toBe("superseded");
    expect((await ask("GET", "/v1/sessions", undefined, old)).body.code).toBe("superseded");
  });
});
