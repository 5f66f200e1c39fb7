import { afterAll, beforeAll, expect, test } from "bun:test";
import { createClient } from "../../../src/client/client.ts";
import { wanted } from "../../support/approvals.ts";
import { callCli } from "../../support/cli-harness.ts";
import { freshRelay, operatorOf } from "../../support/client-relay.ts";

let relay: Awaited<ReturnType<typeof freshRelay>>;
beforeAll(async () => {
  relay = await freshRelay();
});
afterAll(() => relay.remove());

const cli = (...args: string[]) => callCli(["approvals", ...args, "--data", relay.dataDir]);

test("an approval is asked by the client, read and answered at the command line, and applied", async () => {
  const operator = operatorOf(relay);
  await operator.agents.register("builder", { name: "Builder" });
  const { token } = await operator.tokens.create({ role: "agent", agentId: "builder" });
  const builder = createClient({ url: relay.url, token });
  expect((await cli("list")).stdout).toBe("Nothing waits for an approval\n");
  const asked = await builder.approvals.create(wanted("npm publish") as Parameters<typeof builder.approvals.create>[0]);
  expect((await cli("list")).stdout).toMatch(/apr_\w+ +builder +permission +pending +Run npm publish/);
  expect((await cli("show", asked.id)).stdout).toMatch(/line: npm publish.*yes +Allow +allow once/s);
  expect((await cli("answer", asked.id)).code).toBe(2);
  expect((await cli("answer", asked.id, "allow")).stdout).toBe(`${asked.id} is answered with yes\n`);
  expect(await builder.approvals.applied(asked.id, { ok: true })).toMatchObject({ applied: { ok: true } });
  expect((await cli("allow", "command", "npm test*")).stdout).toMatch(/^rul_\w+ is rule 1\n/);
  const ruled = await builder.approvals.create(wanted("npm test") as Parameters<typeof builder.approvals.create>[0]);
  expect(ruled).toMatchObject({ state: "answered", answer: { option: "yes", via: "rule" } });
  expect((await cli("rules")).stdout).toMatch(/1 +rul_\w+ +allow +command +npm test\*/);
});
