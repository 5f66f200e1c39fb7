import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { BUN_FLAGS } from "../../src/cli/own.ts";
import { createCheckout } from "../support/checkout.ts";
import { createFarEnd } from "../support/client-harness.ts";
import { hostileFolder } from "../support/hostile-folder.ts";
import { runIn, startIn, startRelayBy } from "../support/programs.ts";
import { firstUrl } from "../support/server.ts";
import { until } from "../support/until.ts";

// Packed once and installed once, by npm from its registry, into an empty folder: all tests share both, and one relay.
const npm = Bun.which("npm");
const hasRegistry = npm && Bun.spawnSync([npm, "ping", "--fetch-retries=0", "--fetch-timeout=5000"]).exitCode === 0;
const reason = hasRegistry ? "" : "(skipped: npm reaches no registry)";
const folder = mkdtempSync(join(tmpdir(), "signalbox-package-"));
const [user, data] = [join(folder, "user"), join(folder, "data")];
const signalbox = join(user, "node_modules/.bin/signalbox");
const checkout = createCheckout();
let files: string[];
let firstCall: Awaited<ReturnType<typeof runIn>>;
let relay: Awaited<ReturnType<typeof startRelayBy>>;

/** The test command lets the compiler of types collect its garbage seldom. */
const GARBAGE: Record<string, string> = process.env.GOGC ? { GOGC: process.env.GOGC } : {};

/** Runs npm, or a program of TypeScript or Node. */
async function succeed(cwd: string, command: string[]): Promise<string> {
  const ran = await runIn(cwd, command, GARBAGE);
  expect({ ...ran, command }).toMatchObject({ code: 0 });
  return ran.stdout;
}

beforeAll(async () => {
  if (!hasRegistry) return;
  const packed = await succeed(checkout.path, ["npm", "pack", "--json", "--silent", "--pack-destination", folder]);
  const [tarball] = Object.values(JSON.parse(packed)) as { filename: string; files: { path: string }[] }[];
  files = tarball?.files.map(({ path }) => path) ?? [];
  mkdirSync(user);
  writeFileSync(join(user, "package.json"), '{ "type": "module" }');
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
  await succeed(user, ["npm", "install", ...flags, join(folder, tarball?.filename ?? "")]);
  firstCall = await runIn(user, [signalbox, "--version"]);
  relay = await startRelayBy(user, [signalbox], data);
});
afterAll(async () => {
  checkout.remove();
  relay?.child.kill("SIGTERM");
  await relay?.child.exited;
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(!hasRegistry)(`the package that npm installs ${reason}`, () => {
  test("the package that npm installs has the program, the client and their notices, and no tests, sources or scripts", () => {
    const unlike = /^(bin\/signalbox\.js|dist\/.*|CHANGELOG\.md|LICENSE|README\.md|package\.json)$/;
    expect(files.filter((path) => !unlike.test(path))).toEqual([]);
    expect(files).toContain("dist/signalbox.js");
    const notices = readFileSync(join(user, "node_modules/signalbox/dist/NOTICES.txt"), "utf8");
    for (const name of ["elysia", "zod", "grammy", "swagger-ui-dist"])
      expect(notices).toMatch(new RegExp(`^${name} `, "m"));
  });

  test("the package that npm installs does not know where it was built", () => {
    const textOf = (path: string) => readFileSync(join(user, "node_modules/signalbox", path), "latin1");
    expect(files.filter((path) => textOf(path).includes(checkout.path))).toEqual([]);
  });

  test("the package that npm installs brings two dependencies and none of the tools", () => {
    const isPackage = (name: string) => !name.startsWith(".") && name !== "@oven";
    expect(readdirSync(join(user, "node_modules")).filter(isPackage).sort()).toEqual(["bun", "signalbox", "zod"]);
    expect(manifest.dependencies.bun).toMatch(/^\d+\.\d+\.\d+$/);
    expect(manifest).not.toHaveProperty("private");
  });

  test("the package that npm installs is of the version that the changelog begins with", () => {
    const changelog = readFileSync(join(user, "node_modules/signalbox/CHANGELOG.md"), "utf8");
    expect(/^## (\S+)$/m.exec(changelog)?.[1]).toBe(manifest.version);
  });

  test("the package that npm installs puts Bun into its place at the first call where npm has run no scripts", async () => {
    expect(firstCall).toMatchObject({ code: 0, stdout: `${manifest.version}\n` });
    expect(firstCall.stderr).toContain("putting Bun into its place");
    expect(await runIn(user, [signalbox, "--version"])).toEqual({ ...firstCall, stderr: "" });
  });

  test("the package that npm installs says what to do where Bun is missing", async () => {
    const [bin, away] = [join(user, "node_modules/bun"), join(user, "bun-away")];
    await Bun.$`mv ${bin} ${away}`;
    const ran = await runIn(user, [signalbox, "--version"]);
    await Bun.$`mv ${away} ${bin}`;
    expect(ran).toMatchObject({ code: 127, stderr: expect.stringContaining("Install the package signalbox again") });
  });

  test("the package that npm installs starts Bun with the flags that keep it from reading a folder", () => {
    const bin = readFileSync(join(user, "node_modules/signalbox/bin/signalbox.js"), "utf8");
    expect(bin).toContain(`const FLAGS = ${JSON.stringify(BUN_FLAGS).replaceAll(",", ", ")}`);
  });
});

describe.skipIf(!hasRegistry)(`signalbox, installed by npm ${reason}`, () => {
  test("signalbox, installed by npm, serves messages, the docs page, searches and backups", async () => {
    for (const path of ["/docs", "/docs/start.js", "/docs/swagger-ui.css", "/openapi.json", "/v1/health", "/metrics"])
      expect([path, (await relay.ask(path)).status]).toEqual([path, 200]);
    const sent = await runIn(user, [signalbox, "send", "user", "four words", "--data", data]);
    expect(sent).toMatchObject({ code: 0, stdout: "Message 1 to user, which is 1 agent\n" });
    await until(async () =>
      (await relay.ask("/v1/messages?q=words")).text().then((text) => text.includes("four words")),
    );
    expect((await relay.ask("/v1/backups", { method: "POST" })).status).toBe(201);
  });

  test("signalbox, installed by npm, ends with the exit code of the program", async () => {
    expect((await runIn(user, [signalbox, "no-such-command"])).code).toBe(2);
    expect((await runIn(user, [signalbox, "whoami", "--data", "no-such-folder"])).code).toBe(3);
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "signalbox, installed by npm, passes %s on, and the relay ends in order",
    async (signal) => {
      const { child } = await startRelayBy(user, [signalbox], join(folder, `data-${signal}`));
      child.kill(signal);
      expect(await child.exited).toBe(0);
      expect(existsSync(join(folder, `data-${signal}/server.json`))).toBe(false);
    },
  );

  test("signalbox, installed by npm, is ended by a signal when the program is", async () => {
    await runIn(user, [signalbox, "send", "user", "are you there", "--data", data]);
    const following = startIn(user, [signalbox, "inbox", "--follow", "--data", data]);
    // The pipe stays open: a program whose reader has gone ends by itself.
    await following.stdout.getReader().read();
    following.kill("SIGHUP");
    await following.exited;
    expect(following.signalCode).toBe("SIGHUP");
  });

  test("signalbox, installed by npm and called by npx, ends with npx", async () => {
    const npx = startIn(user, ["npx", "signalbox", "serve", "--port", "0", "--data", join(folder, "data-npx")]);
    await firstUrl(npx.stdout, []);
    npx.kill("SIGTERM");
    await until(() => !existsSync(join(folder, "data-npx/server.json")));
  });

  test("signalbox, installed by npm, starts itself for a demo", async () => {
    const ran = await runIn(user, [signalbox, "demo"]);
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining("$ signalbox explain 5") });
  });

  test("signalbox, installed by npm, connects Claude Code, and its hooks find the program", async () => {
    const HOME = join(folder, "home");
    const ran = await runIn(user, [signalbox, "connect", "claude", "--agent", "reviewer", "--yes", "--data", data], {
      HOME,
    });
    expect(ran).toMatchObject({ code: 0 });
    await runIn(user, [signalbox, "send", "reviewer", "look", "--data", data]);
    const { hooks } = JSON.parse(readFileSync(join(user, ".claude/settings.local.json"), "utf8"));
    const event = JSON.stringify({ hook_event_name: "SessionStart", session_id: "s" });
    const hook = await runIn(tmpdir(), ["sh", "-c", hooks.SessionStart[0].hooks[0].command], { HOME }, event);
    expect(hook).toMatchObject({ code: 0, stdout: expect.stringContaining("unread") });
  });

  test("signalbox, installed by npm, runs and believes nothing of the folder it is called in", async () => {
    const far = createFarEnd();
    const here = hostileFolder(far.url);
    const served = await startRelayBy(here.path, [signalbox], join(folder, "data-hostile"));
    expect((await served.ask("/v1/health")).status).toBe(200);
    served.child.kill("SIGTERM");
    await served.child.exited;
    expect(await runIn(here.path, [signalbox, "whoami", "--data", data])).toMatchObject({ code: 0, stderr: "" });
    expect({ asked: far.asked, hasRun: here.hasRun() }).toEqual({ asked: [], hasRun: false });
    await far.close();
  });
});

/** A program of a user, plain enough for JavaScript and strict enough for TypeScript. */
const PROGRAM = `import { createClient, RelayProblem, Release } from "signalbox/client";

const [url = "", token = ""] = process.argv.slice(2);
const operator = createClient({ url, token });
const { id } = await operator.messages.send({ to: "user", body: "from a program" });
const found = await operator.messages.get(id);
const refused = await operator.messages.get(999).catch((error) => error instanceof RelayProblem && error.code);
console.log(JSON.stringify([found.body.toUpperCase(), refused, typeof Release]));
`;

describe.skipIf(!hasRegistry)(`signalbox/client, installed by npm ${reason}`, () => {
  test.each([["node"], [process.execPath]])("signalbox/client, installed by npm, works in %s", async (runtime) => {
    writeFileSync(join(user, "program.js"), PROGRAM);
    const said = await succeed(user, [runtime, "program.js", relay.url, relay.token]);
    expect(JSON.parse(said)).toEqual(["FROM A PROGRAM", "not-found", "function"]);
  });

  test("signalbox/client, installed by npm, brings zod and nothing else into a bundle for browsers, and nothing of the server", async () => {
    writeFileSync(
      join(user, "page.js"),
      'import { createClient } from "signalbox/client";\nconsole.log(createClient);\n',
    );
    const built = await Bun.build({ entrypoints: [join(user, "page.js")], target: "browser", metafile: true });
    const inputs = Object.keys(built.metafile?.inputs ?? {}).map((path) => path.replace(/^.*node_modules\//, ""));
    expect(inputs.filter((path) => !/^zod\/|signalbox\/dist\/client\.js$|page\.js$/.test(path))).toEqual([]);
    const code = (await built.outputs[0]?.text()) ?? "";
    expect(code).not.toMatch(/from ?"(node:|bun)|\bBun\.|\bprocess\.|\bBuffer\b|sqlite|elysia/);
    expect(statSync(join(user, "node_modules/signalbox/dist/client.js")).size).toBeLessThan(360_000);
  });

  test.each([
    // Its own declarations are looked at once: they and those of zod take 4 s of CPU. TypeScript's own are no part of the package.
    ["nodenext, its own declarations included", { module: "nodenext", skipDefaultLibCheck: true }],
    ["bundler", { module: "preserve", moduleResolution: "bundler", skipLibCheck: true }],
  ])("signalbox/client, installed by npm, compiles strictly with the resolution %s", async (_, how) => {
    const typed = join(user, String(how.module));
    mkdirSync(typed);
    writeFileSync(join(typed, "package.json"), '{ "type": "module" }');
    const types = 'import type { Agent, Client, Message, Task } from "signalbox/client";\n';
    const names = "export const heads = (all: (Agent | Task)[], { id }: Message, _: Client) => [all.length, id];\n";
    const wrong = "// @ts-expect-error A body is no number.\nexport const half = ({ body }: Message) => body / 2;\n";
    writeFileSync(
      join(typed, "program.ts"),
      `${types}declare const process: { argv: string[] };\n${PROGRAM}${names}${wrong}`,
    );
    const options = { ...how, target: "es2024", lib: ["es2024", "dom"], types: [], strict: true, noEmit: true };
    writeFileSync(join(typed, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["program.ts"] }));
    const tsc = join(import.meta.dir, "../../node_modules/typescript/bin/tsc");
    await succeed(typed, [process.execPath, tsc, "--project", ".", "--checkers", "1"]);
  });
});
