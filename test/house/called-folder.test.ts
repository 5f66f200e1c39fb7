import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { BUN_FLAGS } from "../../src/cli/own.ts";
import type { Client } from "../../src/client/client.ts";
import { withProgram } from "../support/checkout.ts";
import { createFarEnd } from "../support/client-harness.ts";
import { freshRelay, operatorOf } from "../support/client-relay.ts";
import { BUNFIGS, hostileFolder } from "../support/hostile-folder.ts";
import { ENGINE, PROGRAM } from "../support/program.ts";
import { atEnd, tempFolder } from "../support/relay.ts";

// Processes are started here: on a busy machine that takes its time.
const ROOT = join(import.meta.dir, "../..");
const MAIN = join(ROOT, "src/cli/main.ts");
const BUN = [process.execPath, ...BUN_FLAGS];

let relay: Awaited<ReturnType<typeof freshRelay>>;
let operator: Client;
/** A checkout of the project beside this one, installed already. */
const checkout = mkdtempSync(join(tmpdir(), "signalbox-checkout-"));
beforeAll(async () => {
  relay = await freshRelay();
  operator = operatorOf(relay);
  for (const name of ["package.json", "bun.lock"]) cpSync(join(ROOT, name), join(checkout, name));
  cpSync(join(ROOT, "scripts"), join(checkout, "scripts"), { recursive: true });
  for (const name of ["src", "drizzle"]) symlinkSync(join(ROOT, name), join(checkout, name));
  mkdirSync(join(checkout, "node_modules"));
  // The bundle finds there what only some installations use.
  for (const name of readdirSync(join(ROOT, "node_modules")))
    if (!name.startsWith(".")) symlinkSync(join(ROOT, "node_modules", name), join(checkout, "node_modules", name));
  const checksum = Bun.spawnSync(["cksum"], { stdin: readFileSync(join(ROOT, "bun.lock")) }).stdout;
  writeFileSync(join(checkout, "node_modules/.installed"), `all\n${checksum}`);
  withProgram(checkout);
});
afterAll(async () => {
  await relay.remove();
  rmSync(checkout, { recursive: true, force: true });
});

const PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`;

/** A hostile folder that commands are called in. */
interface Place {
  /** Tells it from the others, in an agent's id. */
  n: number;
  /** Starts a command there, with nothing of ours in its environment. */
  start(command: string[], how?: { env?: Record<string, string>; stdin?: string }): ReturnType<typeof spawnIn>;
  run(command: string[], how?: { env?: Record<string, string>; stdin?: string }): Promise<Ran>;
}

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

function spawnIn(cwd: string, command: string[], { env = {}, stdin = "" }: Parameters<Place["start"]>[1] = {}) {
  const child = Bun.spawn(command, {
    cwd,
    env: { PATH, HOME: tempFolder(), ...ENGINE, ...env },
    stdin: new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
  atEnd(async () => child.kill("SIGKILL"));
  return child;
}

const KINDS = Object.keys(BUNFIGS) as (keyof typeof BUNFIGS)[];

/**
 * Tries something in a folder of each kind, all at once, and sees that nothing of the folders was run or believed. One flag keeps Bun
 * from both kinds of bunfig.toml, so both are for launchers alone.
 */
async function inEach(attempt: (place: Place) => Promise<void>, bunfigs = KINDS.slice(0, 1)): Promise<void> {
  await Promise.all(
    bunfigs.map(async (bunfig, n) => {
      const far = createFarEnd();
      // Another test's client may still look for a server that had this port.
      const here = hostileFolder(`${far.url}/folder`, bunfig);
      const start: Place["start"] = (command, how) => spawnIn(here.path, command, how);
      const run: Place["run"] = async (command, how) => {
        const child = start(command, how);
        const texts = [child.stdout, child.stderr].map((stream) => new Response(stream).text());
        const [stdout = "", stderr = ""] = await Promise.all(texts);
        return { code: await child.exited, stdout, stderr };
      };
      await attempt({ n, start, run });
      const asked = far.asked.filter((request) => request.includes(" /folder"));
      expect({ bunfig, asked, hasRun: here.hasRun() }).toEqual({ bunfig, asked: [], hasRun: false });
      await far.close();
    }),
  );
}

/** Reads until the text is there. */
async function read(stream: ReadableStream<Uint8Array>, wanted: RegExp): Promise<string> {
  let text = "";
  for await (const bytes of stream) {
    text += new TextDecoder().decode(bytes);
    if (wanted.test(text)) return text;
  }
  throw new Error(`${wanted} did not come: ${text}`);
}

/** Starts a server in the folder, asks it for what its worker thread counts, and stops it. */
async function startServer({ start }: Place, command: string[]) {
  const dataDir = tempFolder();
  const child = start(command, { env: { SIGNALBOX_DATA_DIR: dataDir, SIGNALBOX_PORT: "0" } });
  const [, url] = /"url":"([^"]+)"/.exec(await read(child.stdout, /"url".*\n$/)) ?? [];
  const authorization = `Bearer ${readFileSync(join(dataDir, "operator.token"), "utf8").trim()}`;
  const response = await fetch(`${url}/v1/health`, { headers: { authorization } });
  child.kill("SIGTERM");
  return { status: response.status, code: await child.exited };
}

/** A file of keys, as connect keeps it. */
async function keysFor(agentId: string): Promise<string> {
  await operator.agents.register(agentId, { name: agentId });
  const { id: tokenId, token } = await operator.tokens.create({ role: "agent", agentId });
  const file = join(tempFolder(), "keys.json");
  writeFileSync(file, JSON.stringify({ url: relay.url, agentId, token, tokenId }));
  return file;
}

const commandsIn = (hooks: Record<string, { hooks: { command: string }[] }[]>): string[] =>
  Object.values(hooks).flatMap((groups) => groups.flatMap((group) => group.hooks.map(({ command }) => command)));

const HELLO = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "x", version: "1" } },
});

describe("nothing of the called folder is run or believed", () => {
  test.each([
    ["scripts/signalbox", () => [join(checkout, "scripts/signalbox")]],
    ["src/cli/main.ts as a program", () => [MAIN]],
    ["a link to it, as bun link makes one", () => linkTo(MAIN)],
    ["a link to bin/signalbox.js, as npm link makes one", () => linkTo(join(ROOT, "bin/signalbox.js"))],
    ["a link to scripts/signalbox", () => linkTo(join(checkout, "scripts/signalbox"))],
  ])("nothing of the called folder is run or believed by %s", (name, command) =>
    inEach(async ({ n, run }) => {
      const ran = await run([...command(), "whoami", "--json", "--data", relay.dataDir]);
      expect(ran).toMatchObject({ code: 0, stderr: "" });
      // Not evil, the agent that .env names.
      expect(JSON.parse(ran.stdout)).toMatchObject({ role: "operator", agentId: "user" });
      if (n > 0 || !name.startsWith("src/")) return;
      const environment = { SIGNALBOX_TOKEN: relay.token, SIGNALBOX_PORT: relay.port };
      expect(await run([...command(), "inbox"], { env: environment })).toMatchObject({ code: 0 });
    }, KINDS),
  );

  test.each([
    ["scripts/start", () => [join(checkout, "scripts/start")]],
    ["a link to scripts/start", () => linkTo(join(checkout, "scripts/start"))],
    ["signalbox serve", () => [join(checkout, "scripts/signalbox"), "serve"]],
    ["the server program as package.json starts it", () => asPackageStarts()],
    ["the server program as the image starts it", () => asImageStarts()],
  ])("nothing of the called folder is run or believed by %s and its worker threads", (_, command) =>
    inEach(async (place) => expect(await startServer(place, command())).toEqual({ status: 200, code: 0 })),
  );

  test.each([
    ["claude", ".claude/settings.json", ".claude.json"],
    ["codex", ".codex/hooks.json", ".codex/config.toml"],
    ["gemini", ".gemini/settings.json", ".gemini/settings.json"],
    ["qwen", ".qwen/settings.json", ".qwen/settings.json"],
    ["opencode", undefined, ".config/opencode/opencode.json"],
  ])(
    "nothing of the called folder is run or believed by the hooks and helpers that connect %s writes",
    async (harness, hooksFile, toolsFile) => {
      const HOME = tempFolder();
      const textOf = (name: string) => readFileSync(join(HOME, name), "utf8");
      const args = ["connect", harness, "--agent", `my-${harness}`, "--scope", "user", "--data", relay.dataDir];
      await inEach(async ({ n, run }) => {
        if (n === 0) expect(await run([...PROGRAM, ...args], { env: { HOME } })).toMatchObject({ code: 0 });
      });
      await operator.messages.send({ to: `my-${harness}`, body: "wake up" });
      const commands = hooksFile ? commandsIn(JSON.parse(textOf(hooksFile)).hooks) : [];
      const launcher = join(HOME, ".config/signalbox/bin/signalbox");
      expect(commands.map((command) => command.split(" ")[0])).toEqual(Array(hooksFile ? 3 : 0).fill(launcher));
      const helper = /(?:headersHelper|http_headers_helper)"?\s*[:=]\s*("(?:[^"\\]|\\.)*")/.exec(
        textOf(toolsFile),
      )?.[1];
      const keys = join(HOME, `.config/signalbox/agents/${harness}.my-${harness}.json`);
      await inEach(async ({ n, run }) => {
        const [hook] = commands;
        const stdin = JSON.stringify({ hook_event_name: "SessionStart", session_id: `s${n}` });
        const hooked = hook ? await run(["sh", "-c", hook], { env: { HOME }, stdin }) : undefined;
        if (hooked) expect(hooked).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("unread") });
        if (helper) {
          const headers = await run(["sh", "-c", JSON.parse(helper)], { env: { HOME } });
          expect(JSON.parse(headers.stdout)).toHaveProperty("Authorization");
        } else {
          expect(textOf(toolsFile)).toContain(launcher);
          const bridge = await run([launcher, "mcp-bridge", "--keys", keys], { env: { HOME }, stdin: `${HELLO}\n` });
          expect(bridge.stdout).toContain('"serverInfo"');
        }
      });
    },
  );

  test("nothing of the called folder is run or believed by the commands of run and work, which call signalbox again", () =>
    inEach(async ({ n, start }) => {
      const agentId = `worker-${n}`;
      const keys = await keysFor(agentId);
      await operator.messages.send({ to: agentId, body: "build", claimable: true });
      const again = [...PROGRAM, "whoami", "--keys", keys, "--json"];
      const running = start([...PROGRAM, "run", "--keys", keys, "--", ...again]);
      expect(await read(running.stdout, /"agentId"/)).toContain(`"agentId":"${agentId}"`);
      running.kill("SIGINT");
      const working = start([...PROGRAM, "work", "--once", "--keys", keys, "--", ...again]);
      expect(await read(working.stderr, /completed|failed/)).toContain("completed");
      expect(await working.exited).toBe(0);
    }));

  test("nothing of the called folder is run or believed by the channel bridge and the process of a chat account", () =>
    inEach(async ({ n, run }) => {
      const keys = await keysFor(`bridge-${n}`);
      const bridge = await run([...PROGRAM, "channel-bridge", "--keys", keys], { stdin: `${HELLO}\n` });
      expect(bridge.stdout).toContain("signalbox-channel");
      expect(await run([...PROGRAM, "channel", "run", "telegram", "--data", relay.dataDir])).toMatchObject({ code: 2 });
    }));

  test("nothing of the called folder is run or believed by the relays of the drill and the benchmarks", () =>
    inEach(async ({ run }) => {
      const crew = ["--kills", "1", "--senders", "1", "--workers", "1", "--readers", "1"];
      expect((await run([...PROGRAM, "drill", ...crew])).stdout).toEndWith("lost 0, doubled 0\n");
      const program = `const { startRelay, ROOT } = await import(${JSON.stringify(join(ROOT, "scripts/bench/relay.ts"))});
        const measured = await startRelay({ root: ROOT }, ${JSON.stringify(join(tempFolder(), "data"))});
        await measured.stop(); console.log("measured");`;
      expect((await run([...BUN, "-e", program])).stdout).toBe("measured\n");
    }));
});

function linkTo(program: string): string[] {
  const link = join(tempFolder(), "signalbox");
  symlinkSync(program, link);
  return [link];
}

function asPackageStarts(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  return whole(String(scripts.start).split(" "), ROOT);
}

function asImageStarts(): string[] {
  const [, list = "[]"] = /^CMD (\[.*\])$/m.exec(readFileSync(join(ROOT, "Dockerfile"), "utf8")) ?? [];
  if (!existsSync(join(checkout, "dist"))) Bun.spawnSync([...BUN, join(checkout, "scripts/build.ts")]);
  return whole(JSON.parse(list), checkout);
}

/** A command with its program and its paths made whole. */
const whole = ([program = "", ...words]: string[], root: string): string[] => [
  program === "bun" ? process.execPath : program,
  ...words.map((word) => (/^(src|dist)\//.test(word) ? join(root, word) : word)),
];
