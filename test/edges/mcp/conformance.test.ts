import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { startFixtures } from "../../support/conformance.ts";
import { fixtures } from "../../support/conformance-fixtures.ts";
import { tempFolder } from "../../support/relay.ts";

const SUITE = join(import.meta.dir, "../../../node_modules/@modelcontextprotocol/conformance/dist/index.js");
const BASELINE = join(import.meta.dir, "../../support/conformance-baseline.yaml");

async function run(url: string, ...options: string[]): Promise<{ code: number; said: string }> {
  const child = Bun.spawn([process.execPath, SUITE, "server", "--url", url, "-o", tempFolder(), ...options], {
    env: { PATH: process.env.PATH ?? "", NO_COLOR: "1" },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, said: `${out.slice(-6000)}\n${err.slice(-2000)}` };
}

describe("the official conformance suite, through our endpoint", () => {
  for (const revision of ["2026-07-28", "2025-11-25"])
    test(`the endpoint does what revision ${revision} of the conformance suite requires`, async () => {
      const url = await startFixtures(fixtures);
      const { code, said } = await run(url, "--requirements", revision, "--expected-failures", BASELINE);
      if (code !== 0) console.error(said);
      expect(code).toBe(0);
    });

  test("the relay itself does what the conformance suite asks without fixtures", async () => {
    const url = await startFixtures();
    for (const scenario of [
      ...["server-session-lifecycle", "caching", "http-header-validation", "dns-rebinding-protection"],
      ...["sep-2164-resource-not-found"],
    ]) {
      const { code, said } = await run(url, "--scenario", scenario);
      if (code !== 0) console.error(said);
      expect(code, scenario).toBe(0);
    }
  });
});
