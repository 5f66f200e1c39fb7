import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { initToken } from "../../src/daemon/init.ts";
import { PROGRAM } from "../support/program.ts";
import { runIn } from "../support/programs.ts";
import { tempFolder } from "../support/relay.ts";

const config = (tokenFile: string) => ({
  id: "box",
  relay: "http://relay.test",
  workspace: "/w",
  providers: [],
  tokenFile,
});

test("a first configuration makes the token for its owner alone, and keeps one that is there", async () => {
  const file = join(tempFolder(), "keys", "box.token");
  const asked: object[] = [];
  const make = async (draft: object) => `sb_${asked.push(draft)}`;
  expect(await initToken(config(file), make)).toEqual({ file, isNew: true });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await initToken(config(file), make)).toEqual({ file, isNew: false });
  expect(readFileSync(file, "utf8")).toBe("sb_1\n");
  expect(asked).toEqual([{ agentId: "orchestrator-box", prefix: "box-" }]);
});

test("a first configuration without a relay is written, and says how to get the token", async () => {
  const folder = tempFolder();
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "bin/claude"), "#!/bin/sh\n");
  chmodSync(join(folder, "bin/claude"), 0o755);
  const paths = ["--config", join(folder, "box.json"), "--token-file", join(folder, "box.token")];
  const init = ["orchestrator", "init", "--id", "box", "--workspace", folder, ...paths, "--url", "http://127.0.0.1:1"];
  const ran = await runIn(folder, [...PROGRAM, ...init], { PATH: `${folder}/bin:${process.env.PATH}` });
  expect(ran.code).toBe(0);
  expect(ran.stdout).toContain("No token could be made: ");
  expect(ran.stdout).toContain("signalbox tokens create --role orchestrator --agent orchestrator-box --prefix box-");
  expect(JSON.parse(readFileSync(join(folder, "box.json"), "utf8")).providers).toContainEqual(
    expect.objectContaining({ name: "claude", kind: "claude" }),
  );
});
