import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createScope, findUserSystemd } from "../../../../src/harness/providers/process/scope.ts";
import { startScript } from "../../../support/providers/processes.ts";
import { tempFolder } from "../../../support/relay.ts";

/** Machine with a systemd of this user, as far as its two commands show it: they note how they are called. */
function machineWithSystemd() {
  const folder = tempFolder();
  const log = join(folder, "log");
  const script = (name: string, text: string) => {
    writeFileSync(join(folder, name), `#!/bin/sh\necho "${name} $* $XDG_RUNTIME_DIR" >> ${log}\n${text}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  script("systemd-run", 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"');
  script("systemctl", "");
  mkdirSync(join(folder, "systemd"));
  writeFileSync(join(folder, "systemd", "private"), "");
  const environment = { PATH: `${folder}:${process.env.PATH}`, XDG_RUNTIME_DIR: folder };
  return { folder, environment, calls: () => readFileSync(log, "utf8").trim().split("\n") };
}

test("G13: a session gets a scope of systemd with a memory limit, and the scope is killed with it", async () => {
  const { folder, environment, calls } = machineWithSystemd();
  const systemd = findUserSystemd(environment);
  if (!systemd) throw new Error("no systemd was found");
  const { contained, sessionId, noise } = await startScript("env; exec sleep 300", {
    environment: { PATH: process.env.PATH ?? "" },
    containment: { scope: { systemd, memoryMaxBytes: 4_000_000_000 }, sweep: { roundMs: 20, quietMs: 60 } },
  });
  const unit = `signalbox-${sessionId}-[0-9a-f]{8}.scope`;
  expect(await contained.close({ graceMs: 500 })).toMatchObject({ signal: "SIGTERM", left: [] });
  expect(noise.filter((line) => line.startsWith("XDG_"))).toEqual([]);
  expect(calls()).toEqual([
    expect.stringMatching(
      new RegExp(
        `^systemd-run --user --scope --quiet --collect --unit=${unit} -p MemoryMax=4000000000 -- .* ${folder}$`,
      ),
    ),
    expect.stringMatching(new RegExp(`^systemctl --user kill --signal=KILL ${unit} ${folder}$`)),
  ]);
});

test("a command with = in its path is started in its scope, and is no variable", () => {
  const { folder, environment } = machineWithSystemd();
  const systemd = findUserSystemd(environment);
  if (!systemd) throw new Error("no systemd was found");
  const agent = join(folder, "a=b");
  writeFileSync(agent, '#!/bin/sh\necho "$1" $XDG_RUNTIME_DIR');
  chmodSync(agent, 0o755);
  const scope = createScope({ systemd, memoryMaxBytes: null }, "ses_1", [agent, "--x"], { PATH: "/usr/bin:/bin" });
  const { stdout, stderr } = Bun.spawnSync(scope.words, { env: scope.environment });
  expect([String(stdout), String(stderr)]).toEqual(["--x\n", ""]);
});

test("a machine without a systemd of this user has no scopes", () => {
  const { environment } = machineWithSystemd();
  expect(findUserSystemd({})).toBeNull();
  expect(findUserSystemd({ ...environment, XDG_RUNTIME_DIR: "/nowhere" })).toBeNull();
  expect(findUserSystemd({ ...environment, PATH: "/nowhere" })).toBeNull();
});
