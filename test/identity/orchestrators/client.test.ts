import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Client, createClient } from "../../../src/client/client.ts";
import { VERSION } from "../../../src/version.ts";
import { callCli } from "../../support/cli-harness.ts";
import { freshRelay, operatorOf } from "../../support/client-relay.ts";

// Processes are started here: on a busy machine that takes its time.
let relay: Awaited<ReturnType<typeof freshRelay>>;
let operator: Client;
let daemon: Client;
beforeAll(async () => {
  relay = await freshRelay();
  operator = operatorOf(relay);
  const draft = { role: "orchestrator" as const, agentId: "orchestrator-box", prefix: "box-" };
  const { token } = await operator.tokens.create(draft);
  daemon = createClient({ url: relay.url, token, instanceId: "o-1" });
});
afterAll(() => relay.remove());

const cli = (args: string[]) => callCli(["orchestrators", ...args, "--data", relay.dataDir]);

test("an orchestrator registers, beats, drains and stops, by the client and the command line", async () => {
  const providers = [{ name: "claude", version: "2.1.0", capabilities: [] }];
  expect((await cli(["list"])).stdout).toBe("There are no orchestrators\n");
  const made = await daemon.orchestrators.register("box", {
    hostname: "box",
    version: VERSION,
    baseDir: "/work",
    providers,
  });
  expect(made).toMatchObject({ id: "box", status: "online", agentId: "orchestrator-box" });
  const managedAgents = [{ agentId: "box-1", provider: "claude", state: "running", pid: 7 }];
  expect((await daemon.orchestrators.heartbeat("box", { managedAgents })).managedAgents).toMatchObject(managedAgents);
  expect((await daemon.orchestrators.heartbeat("box")).managedAgents).toHaveLength(1);
  expect((await cli(["list"])).stdout).toMatch(/box +online +box +1 .*claude 2\.1\.0/);
  expect((await cli(["show", "box"])).stdout).toMatch(/status +online.*box-1 +claude +running +7/s);
  expect((await cli(["drain", "box"])).stdout).toBe("box is draining\n");
  expect((await operator.orchestrators.list({ status: "draining" })).items).toHaveLength(1);
  expect((await cli(["resume", "box"])).stdout).toBe("box is online\n");
  expect(await daemon.orchestrators.patch("box", { status: "offline" })).toMatchObject({ status: "offline" });
  expect(await operator.orchestrators.get("box")).toMatchObject({ status: "offline", managedAgents: [{ pid: 7 }] });
  expect((await cli(["rm", "box"])).stdout).toBe("box is deleted\n");
  expect((await cli(["show", "box"])).code).toBe(1);
});
