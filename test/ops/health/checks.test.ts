import { expect, test } from "bun:test";
import { startChannel, TELEGRAM } from "../../support/channel.ts";

test("the report names channels that cannot hear, and how late what is due is", async () => {
  const { ask, adapter } = await startChannel();
  const check = async (name: string) =>
    (await ask("GET", "/v1/health")).body.checks.find((one: { name: string }) => one.name === name);
  expect(await check("channels")).toMatchObject({ status: "ok" });
  expect(await check("due")).toMatchObject({ status: "ok" });
  // Others that wait for their adapter stand before it.
  for (let n = 0; n < 25; n++)
    await ask("PUT", `/v1/agents/a:${n}`, {
      name: "X",
      ready: false,
      channel: { provider: "a", accountId: String(n) },
    });
  const meta = { adapter: { beat: 1, host: "box", pid: 1, deaf: "another program polls" } };
  await ask("PATCH", `/v1/agents/${TELEGRAM}`, { ready: false, meta }, adapter);
  expect(await check("channels")).toMatchObject({
    ...{ status: "warn", detail: `cannot hear: ${TELEGRAM} (another program polls)` },
  });
});
