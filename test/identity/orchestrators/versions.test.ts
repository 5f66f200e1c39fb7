import { expect, test } from "bun:test";
import { versionFlaw } from "../../../src/protocol/versions.ts";
import { VERSION } from "../../../src/version.ts";
import { startRelay } from "../../support/relay.ts";

const box = { hostname: "box", version: VERSION, baseDir: "/work", providers: [] };

async function withDaemon() {
  const relay = await startRelay();
  const draft = { role: "orchestrator", agentId: "orchestrator-box", prefix: "box-" };
  const daemon = (await relay.ask("POST", "/v1/tokens", draft)).body as { token: string };
  const register = (fields: object, who: { token?: string } = daemon) =>
    relay.ask("PUT", "/v1/orchestrators/box", { ...box, ...fields }, who);
  return { ...relay, daemon, register };
}

test("a version goes with the same minor version, the one before and the one after, and with no other", () => {
  for (const daemon of ["0.1.9", "0.2.0", "0.2.7-rc.1", "0.3.0"]) expect(versionFlaw(daemon, "0.2.3")).toBeUndefined();
  expect(versionFlaw("0.4.0", "0.2.3")).toBe(
    "A daemon of version 0.4.0 does not go with a relay of version 0.2.3, which takes 0.1, 0.2 and 0.3. Upgrade the relay.",
  );
  expect(versionFlaw("0.0.9", "0.2.3")).toEndWith("Upgrade the daemon.");
  expect(versionFlaw("1.2.0", "0.2.3")).toEndWith("Upgrade the relay.");
  expect(versionFlaw("latest", "0.2.3")).toContain("no version");
  expect(versionFlaw("9.9.9", "9.9.9")).toBeUndefined();
});

test("a daemon of another time is refused with a sentence, at registering and at each heartbeat, and nothing changes", async () => {
  const { register, ask, daemon } = await withDaemon();
  const refused = await register({ version: "7.0.0" });
  expect(refused.body).toMatchObject({ status: 409, code: "version-mismatch" });
  expect(refused.body.detail).toContain(`a relay of version ${VERSION}`);
  expect((await ask("GET", "/v1/orchestrators/box")).status).toBe(404);
  const { version: _, ...without } = box;
  const unsaid = await ask("PUT", "/v1/orchestrators/box", without, daemon);
  expect(unsaid.body).toMatchObject({ status: 422, errors: [{ pointer: "/version" }] });
  await register({});
  const beat = (body: object) => ask("POST", "/v1/orchestrators/box/heartbeat", body, daemon);
  expect((await beat({ version: "7.0.0", load: { sessions: 9 } })).body.code).toBe("version-mismatch");
  expect((await beat({})).body).toMatchObject({ version: VERSION, load: null });
  expect((await beat({ load: { sessions: 2, cpu: 0.5 } })).body.load).toEqual({ sessions: 2, cpu: 0.5 });
  expect((await beat({})).body.load).toEqual({ sessions: 2, cpu: 0.5 });
  expect((await beat({ load: { sessions: -1 } })).status).toBe(422);
});

test("G14: the stricter of the daemon's and the operator's approval mode holds, whoever said his last", async () => {
  const { register, ask, daemon } = await withDaemon();
  const patch = (approvalMode: string, who: { token?: string } = {}) =>
    ask("PATCH", "/v1/orchestrators/box", { approvalMode }, who);
  expect((await register({})).body).toMatchObject({ approvalMode: "ask" });
  expect((await patch("open")).body).toMatchObject({ approvalMode: "ask" });
  expect((await register({ approvalMode: "open" })).body).toMatchObject({ approvalMode: "open" });
  expect((await patch("closed")).body).toMatchObject({
    ...{ approvalMode: "closed", approvalModes: { daemon: "open", operator: "closed" } },
  });
  expect((await register({ approvalMode: "open" })).body.approvalMode).toBe("closed");
  expect((await patch("open", daemon)).body.approvalMode).toBe("closed");
  expect((await patch("open")).body.approvalMode).toBe("open");
  expect((await patch("ask", daemon)).body.approvalMode).toBe("ask");
  expect((await patch("anything")).status).toBe(422);
});

test("an orchestrator shows who may spawn, its caps and the prefix of its token", async () => {
  const { register, ask } = await withDaemon();
  const made = await register({ spawners: ["lead", "team-*"], caps: { sessions: 3, costUsdPerDay: 20 } });
  expect(made.body).toMatchObject({ spawners: ["lead", "team-*"], caps: { sessions: 3, costUsdPerDay: 20 } });
  expect(made.body.prefix).toBe("box-");
  expect((await register({})).body).toMatchObject({ spawners: ["lead", "team-*"], caps: { sessions: 3 } });
  const cleared = await ask("PATCH", "/v1/orchestrators/box", { spawners: [], caps: null });
  expect(cleared.body).toMatchObject({ spawners: [], caps: null });
  for (const spawners of [["Lead"], ["a*b"], ["tag:x"], [""]])
    expect((await register({ spawners })).body.status, JSON.stringify(spawners)).toBe(422);
  const alone = await ask("PUT", "/v1/orchestrators/attic", { ...box, hostname: "attic" });
  expect(alone.body).toMatchObject({ prefix: null, spawners: [], approvalMode: "ask" });
});
