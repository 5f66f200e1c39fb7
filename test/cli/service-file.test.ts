import { afterAll, beforeEach, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { callCli, putFile, tempFolder } from "../support/cli-harness.ts";

// Processes are started here: on a busy machine that takes its time.
const made: { remove(): void }[] = [];
afterAll(() => {
  for (const folder of made) folder.remove();
});

const SECRETS = {
  ANTHROPIC_API_KEY: "never-written-1",
  GH_PAT: "never-written-2",
  HTTPS_PROXY: "http://ann:never-written-3@proxy.test",
  MOTD: "two\nlines",
};
const UNIT = ".config/systemd/user/signalbox-orchestrator.service";
const PLIST = "Library/LaunchAgents/org.signalbox.orchestrator.plist";

let home: string;
let calls: () => string[];
beforeEach(() => {
  const folder = tempFolder();
  made.push(folder);
  // A space, and characters that units, shells and XML expand.
  home = join(folder.path, 'a 50% "b" $HOME');
  for (const name of ["systemctl", "launchctl"]) fake(name, "");
  calls = () => (existsSync(join(home, "calls")) ? readFileSync(join(home, "calls"), "utf8").trim().split("\n") : []);
  configure({});
});

/** Program of a manager that notes its calls. */
function fake(name: string, lines: string): void {
  const file = join(home, "bin", name);
  putFile(file, `#!/bin/sh\necho "${name} $*" >>"$HOME/calls"\n${lines}\n`);
  chmodSync(file, 0o755);
}

function configure(changes: object): void {
  const config = {
    ...{ id: "box", relay: "http://127.0.0.1:1", tokenFile: join(home, "token"), workspace: home, stopMinutes: 30 },
    providers: [{ name: "own", kind: "command", command: "/bin/cat", env: ["GH_PAT", "REGION"] }],
    ...{ envKeys: ["ANTHROPIC_API_KEY", "HTTPS_PROXY", "MOTD", "NOT_SET"], ...changes },
  };
  putFile(join(home, "box.json"), JSON.stringify(config));
  putFile(join(home, "token"), "sb_never-written-4\n");
  chmodSync(join(home, "token"), 0o600);
}

const cli = (verb: string, ...args: string[]) =>
  callCli(["orchestrator", verb, ...args], {
    env: {
      ...SECRETS,
      ...{ HOME: home, PATH: `${home}/bin:/usr/bin:/bin`, REGION: 'eu "1" $x', LANG: "C.UTF-8", XDG_DATA_HOME: "/d" },
      SIGNALBOX_TOKEN: "sb_never-written-5",
    },
  });
const install = (...args: string[]) => cli("install", "--config", join(home, "box.json"), ...args);
const read = (path: string) => readFileSync(join(home, path), "utf8");

test("a unit of systemd has the environment of the daemon, means its words literally, and holds no secret", async () => {
  const ran = await install("--for", "systemd");
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  const unit = read(UNIT);
  const own = home.replaceAll('"', '\\"').replaceAll("%", "%%");
  for (const line of [
    `Environment="PATH=${own}/bin:/usr/bin:/bin"`,
    `Environment="HOME=${own}"`,
    'Environment="LANG=C.UTF-8"',
    'Environment="XDG_DATA_HOME=/d"',
    'Environment="XDG_RUNTIME_DIR=%t"',
    'Environment="REGION=eu \\"1\\" $x"',
    `EnvironmentFile=-${home.replaceAll("%", "%%")}/box.env`,
    "TimeoutStopSec=1860",
  ])
    expect(unit.split("\n")).toContain(line);
  expect(unit).toContain(`"orchestrator" "--config" "${own.replaceAll("$", "$$$$")}/box.json"\n`);
  expect(unit).not.toMatch(/never-written|SIGNALBOX_TOKEN|network-online|NOT_SET/);
  expect(ran.stdout).toContain(": ANTHROPIC_API_KEY, HTTPS_PROXY, MOTD, GH_PAT\n");
  expect(ran.stdout).toContain(`chmod 600 '${home}/box.env'`);
  expect(ran.stdout).toContain("  systemctl --user daemon-reload && systemctl --user enable --now signalbox-orch");
  expect(calls()).toEqual([]);
});

test("an agent of launchd has the same, reads the secrets by a shell, and its next step is a line for a shell", async () => {
  const ran = await install("--for", "launchd");
  const plist = read(PLIST);
  const own = home.replaceAll('"', "&quot;");
  expect(plist).toContain(`<key>HOME</key><string>${own}</string>`);
  expect(plist).toContain("<key>REGION</key><string>eu &quot;1&quot; $x</string>");
  expect(plist).toContain("<key>ExitTimeOut</key><integer>1860</integer>");
  expect(plist).not.toMatch(/never-written|SIGNALBOX_TOKEN/);
  expect(ran.stdout).toContain(`  launchctl bootstrap gui/$(id -u) '${home}/${PLIST}'\n`);
  const words = [...(/<array>(.*)<\/array>/.exec(plist)?.[1] ?? "").matchAll(/<string>(.*?)<\/string>/g)].map(
    ([, word = ""]) => word.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&amp;", "&"),
  );
  expect(words.slice(-3)).toEqual(["orchestrator", "--config", `${home}/box.json`]);
  writeFileSync(join(home, "box.env"), 'ANTHROPIC_API_KEY="by the file"\n', { mode: 0o600 });
  const child = Bun.spawn([...words.slice(0, 4), "/usr/bin/env"], { env: {}, stdout: "pipe" });
  expect(await new Response(child.stdout).text()).toContain("ANTHROPIC_API_KEY=by the file\n");
});

test("a file of variables is for its owner alone, and the names that it gives are not asked for", async () => {
  const file = join(home, "box.env");
  writeFileSync(file, "GH_PAT=x\nexport MOTD='a\nb'\n#HTTPS_PROXY=\n", { mode: 0o644 });
  expect((await install("--for", "systemd")).stderr).toContain(`Others can read ${file}. Close it: chmod 600`);
  expect(existsSync(join(home, UNIT))).toBe(false);
  chmodSync(file, 0o600);
  const ran = await install("--for", "systemd", "--json");
  expect(JSON.parse(ran.stdout)).toMatchObject({
    withheld: ["ANTHROPIC_API_KEY", "HTTPS_PROXY"],
    secretsFile: file,
    path: join(home, UNIT),
  });
});

test("no service is written of a configuration that no daemon can start with", async () => {
  const refused = async (part: string) => {
    const ran = await install("--for", "systemd");
    expect(ran.code).not.toBe(0);
    expect(ran.stderr).toContain(part);
    expect(ran.stderr.trim().split("\n")).toHaveLength(1);
    expect(existsSync(join(home, UNIT))).toBe(false);
  };
  configure({ sessions: 0 });
  await refused("sessions: ");
  configure({ providers: [{ name: "own", kind: "command" }] });
  await refused('name its program in "command"');
  configure({ tokenFile: undefined });
  await refused("A service holds no secret, so it has no SIGNALBOX_TOKEN: write the token into a file, chmod 600");
  configure({ tokenFile: join(home, "nowhere") });
  await refused("nowhere cannot be read: there is no such file");
  configure({});
  chmodSync(join(home, "token"), 0o644);
  await refused("Others can read ");
  writeFileSync(join(home, "box.json"), "{");
  await refused("is no JSON");
});

test("a service is written again, never over somebody else's file, and a file that cannot be read is no absent one", async () => {
  await install("--for", "systemd");
  const unit = read(UNIT);
  writeFileSync(join(home, UNIT), `${unit}# older\n`);
  expect((await install("--for", "systemd")).code).toBe(0);
  expect(read(UNIT)).toBe(unit);
  writeFileSync(join(home, UNIT), "[Unit]\n");
  for (const verb of [install, (...args: string[]) => cli("uninstall", ...args)])
    expect((await verb("--for", "systemd")).stderr).toContain("--force");
  expect(read(UNIT)).toBe("[Unit]\n");
  expect((await install("--for", "systemd", "--force")).code).toBe(0);
  mkdirSync(join(home, PLIST), { recursive: true });
  expect((await install("--for", "launchd")).stderr).toContain("plist cannot be read: it is a folder, not a file");
});

test("a service is stopped, disabled and deleted, and a second time nothing happens", async () => {
  await install("--for", "systemd");
  fake("systemctl", "echo 'No medium found' >&2; exit 1");
  const failed = await cli("uninstall", "--for", "systemd");
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain("disable --now signalbox-orchestrator failed: No medium found");
  expect(existsSync(join(home, UNIT))).toBe(true);
  fake("systemctl", "");
  expect((await cli("uninstall", "--for", "systemd")).stdout).toStartWith("Stopped the service, and deleted ");
  expect(existsSync(join(home, UNIT))).toBe(false);
  const again = await cli("uninstall", "--for", "systemd");
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining("No service is there") });
  expect(calls().slice(1)).toEqual([
    "systemctl --user disable --now signalbox-orchestrator",
    "systemctl --user daemon-reload",
  ]);
});

test("an agent of launchd is ended where it is loaded, and deleted", async () => {
  const target = `gui/${process.getuid?.()}/org.signalbox.orchestrator`;
  for (const [lines, ended] of [
    ["", [`launchctl bootout ${target}`]],
    ["exit 113", []],
  ] as const) {
    await install("--for", "launchd");
    writeFileSync(join(home, "calls"), "");
    fake("launchctl", lines);
    expect((await cli("uninstall", "--for", "launchd")).code).toBe(0);
    expect(existsSync(join(home, PLIST))).toBe(false);
    expect(calls()).toEqual([`launchctl print ${target}`, ...ended]);
  }
});
