import { expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DaemonConfig } from "../../src/daemon/config.ts";
import { makeProviders } from "../../src/daemon/providers.ts";
import { tempFolder } from "../support/relay.ts";
import { until } from "../support/until.ts";

/** Commands of systemd that note their words, and a program that takes turns. */
function machine() {
  const folder = tempFolder();
  const script = (name: string, text: string): string => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, name), 0o755);
    return join(folder, name);
  };
  const log = join(folder, "log");
  writeFileSync(log, "");
  const run = script("run", `echo "$*" >> ${log}\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"`);
  const ctl = script("ctl", "exit 0");
  const program = script("agent", `echo '{"type":"ready"}'; exec cat > /dev/null`);
  return { folder, script, program, systemd: { run, ctl, runtimeDir: folder }, calls: () => Bun.file(log).text() };
}

test("an ACP agent that is known by name is started with its own words, unless the configuration has others", async () => {
  const { folder, script, calls } = machine();
  const command = script("gemini", `echo "gemini $*" >> ${join(folder, "log")}`);
  const base = { id: "box", relay: "http://relay.test", workspace: folder };
  const probed = [[], ["--other"]].map(async (args) => {
    const config = DaemonConfig.parse({ ...base, providers: [{ name: "gemini", kind: "acp", command, args }] });
    const [made] = await makeProviders(
      config,
      { environment: { PATH: process.env.PATH ?? "", HOME: folder }, bridge: [] },
      null,
    );
    await expect(made?.provider.probe()).rejects.toThrow("Gemini CLI has ended (exit 0)");
  });
  await Promise.all(probed);
  expect((await calls()).trim().split("\n").sort()).toEqual(["gemini --acp", "gemini --other"]);
});

test("G13: sessions run in a scope of systemd, with the memory of the configuration", async () => {
  const { folder, program, systemd, calls } = machine();
  const config = DaemonConfig.parse({
    ...{ id: "box", relay: "http://relay.test", workspace: folder, memoryMaxMb: 512 },
    providers: [{ name: "own", kind: "command", command: program }],
  });
  const environment = { PATH: process.env.PATH ?? "" };
  const [made] = await makeProviders(config, { environment, bridge: [] }, systemd);
  const native = await made?.provider.open({
    ...{ origin: { how: "new" }, sessionId: "ses_scoped", cwd: folder, model: null, systemPrompt: null, environment },
    ...{ mcp: null, tools: { allow: [], deny: [] }, schema: null, unattended: false, on: () => undefined },
  });
  await until(async () => (await calls()).includes("signalbox-ses_scoped-"), "the scope");
  expect(await calls()).toContain("-p MemoryMax=536870912 -- ");
  await native?.close({ graceMs: 200 });
});
