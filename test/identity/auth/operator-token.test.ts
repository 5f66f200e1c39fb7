import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { agentOn, asking } from "../../support/ask.ts";
import { startRelay, tempFolder } from "../../support/relay.ts";
import { refusedStart, startServer } from "../../support/server.ts";

const A = "an-operator-token-of-some-length";
const B = "another-operator-token-of-length";

describe("the operator's token", () => {
  test("the operator's token is made at the first start, kept for its owner alone to read, and stays the same", async () => {
    const { relay, config, restart, ask } = await startRelay();
    const file = join(config.dataDir, "operator.token");
    expect(readFileSync(file, "utf8")).toBe(`${relay.operatorToken}\n`);
    expect(relay.operatorToken).toMatch(/^sbx_[\w-]{43}$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    chmodSync(file, 0o644);
    await restart();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await ask("GET", "/v1/whoami", undefined, { token: relay.operatorToken })).body.role).toBe("operator");
  });

  test("the operator's token that was lost or cut short is made anew, and the old one is void", async () => {
    const made = await startRelay();
    const old = made.relay.operatorToken;
    writeFileSync(join(made.config.dataDir, "operator.token"), "short\n");
    await made.restart();
    expect(made.relay.operatorToken).not.toBe(old);
    expect((await made.ask("GET", "/v1/whoami")).body).toMatchObject({ role: "operator", agentId: "user" });
    expect((await made.ask("GET", "/v1/whoami", undefined, { token: old })).status).toBe(401);
  });

  test("the operator's token may be given: then no file is made, and an earlier one is void; back and forth as often as one likes", async () => {
    const made = await startRelay({ token: A });
    const role = async (token: string) => (await made.ask("GET", "/v1/whoami", undefined, { token })).body.role;
    expect(existsSync(join(made.config.dataDir, "operator.token"))).toBe(false);
    expect([await role(A), await role(B)]).toEqual(["operator", undefined]);
    made.config.token = B;
    await made.restart();
    expect([await role(A), await role(B)]).toEqual([undefined, "operator"]);
    made.config.token = A;
    await made.restart();
    expect([await role(A), await role(B)]).toEqual(["operator", undefined]);
  });

  test("the operator's token cannot be one that was given to an agent", async () => {
    const server = await startServer();
    const bob = await agentOn(asking(server), "bob");
    await server.stop();
    const refused = await refusedStart({ SIGNALBOX_DATA_DIR: server.dataDir, SIGNALBOX_TOKEN: bob.token });
    expect(refused).toEqual({ code: 1, said: "SIGNALBOX_TOKEN is in use as a token of role agent\n" });
  });

  test("the operator's token that is too short to be a secret stops the start", async () => {
    const refused = await refusedStart({ SIGNALBOX_DATA_DIR: tempFolder(), SIGNALBOX_TOKEN: "secret" });
    expect(refused.code).toBe(1);
    expect(refused.said).toContain("SIGNALBOX_TOKEN: has to be at least 20 characters");
  });
});

test("a second relay does not listen where one does already", async () => {
  const first = await startServer();
  const { port } = new URL(first.url);
  const refused = await refusedStart({ SIGNALBOX_DATA_DIR: tempFolder(), SIGNALBOX_PORT: port });
  expect(refused.code).toBe(1);
  expect(refused.said).toContain(`Port ${port} of 127.0.0.1 is taken`);
});
