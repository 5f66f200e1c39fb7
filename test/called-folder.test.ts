import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { BUN_FLAGS } from "../src/cli/own.ts";
import type { Client } from "../src/client/client.ts";
import { createFarEnd, type FarEnd } from "./client-harness.ts";
import { freshRelay, operatorOf } from "./client-relay.ts";
import { BUNFIGS, type HostileFolder, hostileFolder } from "./support/hostile-folder.ts";
import { atEnd, tempFolder } from "./support/relay.ts";

// Processes are started here: on a busy machine that takes its time.
const ROOT = join(import.meta.dir, "..");
const MAIN = join(ROOT, "src/cli/main.ts");
const BUN = [process.execPath, ...BUN_FLAGS];

let relay: Awaited<ReturnType<typeof freshRelay>>;
let operator: Client;
let far: FarEnd;
let here: HostileFolder;
/** A checkout of the project beside this one, installed already. */
const checkout = mkdtempSync(join(tmpdir(), "signalbox-checkout-"));
beforeAll(async () => {
  relay = await freshRelay();
  operator = operatorOf(relay);
  for (const name of ["package.json", "bun.lock"]) cpSync(join(ROOT, name), join(checkout, name));
  cpSync(join(ROOT, "scripts"), join(checkout, "scripts"), { recursive: true });
  for (const name of ["src", "drizzle"]) symlinkSync(join(ROOT, name), join(checkout, name));
  mkdirSync(join(checkout, "node_modules"));
  const checksum = Bun.spawnSync(["cksum"], { stdin: readFileSync(join(ROOT, "bun.lock")) }).stdout;
  writeFileSync(join(checkout, "node_modules/.installed"), `all\n${checksum}`);
});
afterAll(async () => {
  await relay.remove();
  rmSync(checkout, { recursive: true, force: true });
});
beforeEach(() => {
  far = createFarEnd();
  here = hostileFolder(far.url);
});
afterEach(() => far.close());

const PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`;

/** Runs a command in the folder. */
async function run(command: string[], { env = {}, stdin = "" }: { env?: Record<string, string>; stdin?: string } = {}) {
  const child = Bun.spawn(command, {
    cwd: here.path,
    env: { PATH, HOME: tempFolder(), ...env },
    stdin: new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, stdout, stderr };
}

/** Starts a server in the folder, asks it for what its worker thread counts, and stops it. */
async function startServer(command: string[]) {
  const dataDir = tempFolder();
  const child = Bun.spawn(command, {
    cwd: here.path,
    env: { PATH, SIGNALBOX_DATA_DIR: dataDir, SIGNALBOX_PORT: "0" },
    stdout: "pipe",
    stderr: "inherit",
  });
  atEnd(async () => child.kill("SIGKILL"));
  let text = "";
  for await (const bytes of child.stdout) {
    text += new TextDecoder().decode(bytes);
    if (text.includes('"url"') && text.endsWith("\n")) break;
  }
  const [, url] = /"url":"([^"]+)"/.exec(text) ?? [];
  if (!url) throw new Error(`the server did not start: ${text}`);
  const authorization = `Bearer ${readFileSync(join(dataDir, "operator.token"), "utf8").trim()}`;
  const response = await fetch(`${url}/v1/health`, { headers: { authorization } });
  child.kill("SIGTERM");
  return { status: response.status, code: await child.exited };
}

function untouched() {
  expect(far.asked).toEqual([]);
  expect(here.hasRun()).toBe(false);
}

/** An agent of the relay, connected by the real command from within the folder. */
async function connected(harness: "claude" | "codex", agentId: string) {
  const home = tempFolder();
  const args = ["connect", harness, "--agent", agentId, "--scope", "user", "--data", relay.dataDir];
  expect(await run([...BUN, MAIN, ...args], { env: { HOME: home } })).toMatchObject({ code: 0 });
  const keys = join(home, `.config/signalbox/agents/${harness}.${agentId}.json`);
  return { home, keys, read: (name: string) => readFileSync(join(home, name), "utf8") };
}

const commandsIn = (hooks: Record<string, { hooks: { command: string }[] }[]>): string[] =>
  Object.values(hooks).flatMap((groups) => groups.flatMap((group) => group.hooks.map(({ command }) => command)));

const hookInput = JSON.stringify({ hook_event_name: "SessionStart", session_id: "s1" });

for (const bunfig of Object.keys(BUNFIGS) as (keyof typeof BUNFIGS)[])
  describe(`nothing of the folder is run or believed, whose bunfig.toml ${bunfig}`, () => {
    beforeEach(() => {
      here = hostileFolder(far.url, bunfig);
    });

    test.each([
      ["scripts/signalbox", () => [join(checkout, "scripts/signalbox")]],
      ["src/cli/main.ts as a program", () => [MAIN]],
      ["a link to it, as bun link makes one", () => linkTo(MAIN)],
      ["a link to scripts/signalbox", () => linkTo(join(checkout, "scripts/signalbox"))],
    ])("by %s", async (_, command) => {
      const ran = await run([...command(), "whoami", "--json", "--data", relay.dataDir]);
      expect(ran).toMatchObject({ code: 0, stderr: "" });
      expect(JSON.parse(ran.stdout)).toMatchObject({ role: "operator" });
      // Not the inbox of the agent that .env names: there is none.
      expect(await run([...command(), "inbox", "--data", relay.dataDir])).toMatchObject({ code: 0 });
      const environment = { SIGNALBOX_TOKEN: relay.token, SIGNALBOX_PORT: relay.port };
      expect(await run([...command(), "whoami"], { env: environment })).toMatchObject({ code: 0 });
      untouched();
    });

    test.each([
      ["scripts/start", () => [join(checkout, "scripts/start")]],
      ["signalbox serve", () => [join(checkout, "scripts/signalbox"), "serve"]],
      ["the server program as package.json starts it", () => asPackageStarts("start")],
      ["the server program as the image starts it", () => asImageStarts()],
    ])("by %s and its worker threads", async (_, command) => {
      expect(await startServer(command())).toEqual({ status: 200, code: 0 });
      untouched();
    });

    test.each([
      ["claude" as const, [".claude/settings.json", ".claude.json"]],
      ["codex" as const, [".codex/hooks.json", ".codex/config.toml"]],
    ])("by the hooks and helpers that connect %s writes", async (harness, [hooksFile = "", toolsFile = ""]) => {
      const agentId = `${harness}-${bunfig.length}`;
      const { home, read } = await connected(harness, agentId);
      await operator.messages.send({ to: agentId, body: "wake up" });
      const commands = commandsIn(JSON.parse(read(hooksFile)).hooks);
      expect(commands).toHaveLength(3);
      const ran = await run(["sh", "-c", commands[0] ?? ""], { env: { HOME: home }, stdin: hookInput });
      expect(ran).toMatchObject({ code: 0, stderr: "" });
      expect(ran.stdout).not.toBe("");
      for (const command of commands) await run(["sh", "-c", command], { env: { HOME: home }, stdin: hookInput });
      const helper = /(?:headersHelper|http_headers_helper)"?\s*[:=]\s*("(?:[^"\\]|\\.)*")/.exec(read(toolsFile))?.[1];
      const headers = await run(["sh", "-c", JSON.parse(helper ?? '""')], { env: { HOME: home } });
      expect(JSON.parse(headers.stdout)).toHaveProperty("Authorization");
      untouched();
    });

    test("by the commands of run and work, which call signalbox again", async () => {
      const agentId = `worker-${bunfig.length}`;
      const { keys } = await connected("claude", agentId);
      const message = { to: agentId, body: "build", claimable: true };
      await operator.messages.send(message);
      const again = [MAIN, "whoami", "--keys", keys, "--json"];
      const ran = await run(["timeout", "-s", "INT", "4", MAIN, "run", "--keys", keys, "--", ...again]);
      expect(ran.stdout).toContain(`"agentId":"${agentId}"`);
      const child = Bun.spawn([MAIN, "work", "--keys", keys, "--", ...again], {
        cwd: here.path,
        env: { PATH, HOME: tempFolder() },
        stderr: "pipe",
      });
      atEnd(async () => child.kill("SIGKILL"));
      let said = "";
      for await (const bytes of child.stderr) {
        said += new TextDecoder().decode(bytes);
        if (/completed|failed/.test(said)) break;
      }
      child.kill("SIGTERM");
      expect(said).toContain("completed");
      untouched();
    });

    test("by the channel bridge and the process of a chat account", async () => {
      const { keys } = await connected("claude", `bridge-${bunfig.length}`);
      const init = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "x", version: "1" } };
      const hello = { jsonrpc: "2.0", id: 1, method: "initialize", params: init };
      const bridge = await run([MAIN, "channel-bridge", "--keys", keys], { stdin: `${JSON.stringify(hello)}\n` });
      expect(bridge.stdout).toContain("signalbox-channel");
      expect(await run([MAIN, "channel", "run", "telegram", "--data", relay.dataDir])).toMatchObject({ code: 2 });
      untouched();
    });

    test("by the relays of the drill and the benchmarks", async () => {
      const drill = `const { createDrilledRelay } = await import(${JSON.stringify(join(ROOT, "scripts/drill/drilled-relay.ts"))});
        const relay = createDrilledRelay(${JSON.stringify(tempFolder())});
        await relay.start(); await relay.kill(); console.log("drilled");`;
      const bench = `const { startRelay } = await import(${JSON.stringify(join(ROOT, "scripts/bench/relay.ts"))});
        const relay = await startRelay(${JSON.stringify(join(tempFolder(), "data"))});
        await relay.stop(); console.log("measured");`;
      for (const [program, word] of [[drill, "drilled"] as const, [bench, "measured"] as const])
        expect((await run([...BUN, "-e", program])).stdout).toContain(word);
      untouched();
    });

    test("by a binary, compiled with the flags that docs/architecture.md names", async () => {
      const docs = readFileSync(join(ROOT, "docs/architecture.md"), "utf8");
      const flags = docs.match(/--no-compile-autoload-[a-z]+/g) ?? [];
      expect(flags).toHaveLength(2);
      const binary = join(tempFolder(), "signalbox");
      const made = Bun.spawnSync([process.execPath, "build", "--compile", ...flags, MAIN, "--outfile", binary], {
        cwd: ROOT,
        stderr: "pipe",
      });
      expect(made.exitCode).toBe(0);
      const ran = await run([binary, "whoami", "--json", "--data", relay.dataDir]);
      expect(ran).toMatchObject({ code: 0 });
      untouched();
    });
  });

function linkTo(program: string): string[] {
  const link = join(tempFolder(), "signalbox");
  symlinkSync(program, link);
  return [link];
}

/** A script of package.json, its paths made whole. */
function asPackageStarts(name: "start"): string[] {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  return whole(String(scripts[name]).split(" "));
}

function asImageStarts(): string[] {
  const [, list = "[]"] = /^CMD (\[.*\])$/m.exec(readFileSync(join(ROOT, "Dockerfile"), "utf8")) ?? [];
  return whole(JSON.parse(list));
}

const whole = ([program = "", ...words]: string[]): string[] => [
  program === "bun" ? process.execPath : program,
  ...words.map((word) => (word.startsWith("src/") ? join(ROOT, word) : word)),
];
