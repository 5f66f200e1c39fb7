import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { BUN_FLAGS } from "../../../src/cli/own.ts";
import { type Client, createClient } from "../../../src/client/client.ts";
import { callCli, putFile, runLine, tempFolder } from "../../support/cli-harness.ts";
import { createFarEnd, problem } from "../../support/client-harness.ts";
import { freshRelay, operatorOf } from "../../support/client-relay.ts";
import { ENGINE, PROGRAM } from "../../support/program.ts";

let relay: Awaited<ReturnType<typeof freshRelay>>;
let operator: Client;
let home: ReturnType<typeof tempFolder>;
let project: string;
beforeAll(async () => {
  relay = await freshRelay();
  operator = operatorOf(relay);
});
afterAll(() => relay.remove());
beforeEach(() => {
  home = tempFolder();
  project = join(home.path, "project");
  mkdirSync(project);
});

const connect = (args: string[], from = ["--data", relay.dataDir]) =>
  callCli(["connect", ...args, ...from], { env: { HOME: home.path }, cwd: project });
const read = (path: string) => readFileSync(join(home.path, path), "utf8");
const put = (path: string, text: string | Uint8Array) => putFile(join(home.path, path), text);
const keysOf = (name: string) => join(home.path, ".config/signalbox/agents", name);
const shell = (line: string, stdin = "", env = {}) => runLine(line, home.path, stdin, env);

/** Each harness with the file that has its servers, and where those stand. */
const FILES: [args: string[], file: string, group: string][] = [
  [["claude"], "project/.mcp.json", "mcpServers"],
  [["claude", "--scope", "user"], ".claude.json", "mcpServers"],
  [["gemini"], "project/.gemini/settings.json", "mcpServers"],
  [["gemini", "--scope", "user"], ".gemini/settings.json", "mcpServers"],
  [["qwen"], "project/.qwen/settings.json", "mcpServers"],
  [["opencode"], "project/opencode.json", "mcp"],
  [["opencode", "--scope", "user"], ".config/opencode/opencode.json", "mcp"],
];

describe("a server named signalbox that a person added", () => {
  for (const [args, file, group] of FILES)
    test(`a server named signalbox that a person added is neither replaced nor taken away: ${args.join(" ")}`, async () => {
      const own = JSON.stringify({ [group]: { signalbox: { command: "mine", url: "http://127.0.0.1:9" } }, x: 1 });
      put(file, own);
      const ran = await connect([...args, "--agent", "second"]);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain("a server signalbox of your own");
      expect(ran.stderr).toContain(file.split("/").at(-1) ?? "");
      expect((await connect([...args, "--remove"])).code).toBe(0);
      expect(read(file)).toBe(own);
      await expect(operator.agents.get("second")).rejects.toMatchObject({ status: 404 });
    });

  test("a server named signalbox that a person added is seen in every scope of Claude Code, where one would hide the other", async () => {
    const server = { signalbox: { type: "http", url: "http://127.0.0.1:9/mcp" } };
    for (const state of [{ mcpServers: server }, { projects: { [project]: { mcpServers: server } } }]) {
      put(".claude.json", JSON.stringify(state));
      expect((await connect(["claude", "--agent", "third"])).stderr).toContain(".claude.json has a server signalbox");
      expect(existsSync(join(project, ".mcp.json"))).toBe(false);
    }
    rmSync(join(home.path, ".claude.json"));
    put("project/.mcp.json", JSON.stringify({ mcpServers: server }));
    put("project/.claude/settings.local.json", '{"enabledMcpjsonServers":["signalbox"]}');
    expect((await connect(["claude", "--agent", "third", "--scope", "user"])).code).toBe(1);
    await connect(["claude", "--remove"]);
    expect(read("project/.claude/settings.local.json")).toBe('{"enabledMcpjsonServers":["signalbox"]}');
  });

  test("a server named signalbox that a person added is seen in Codex's file, however it is written", async () => {
    for (const own of ['mcp_servers.signalbox = { url = "x" }\n', '[mcp_servers."signalbox"]\nurl = "x"\n']) {
      put(".codex/config.toml", own);
      expect((await connect(["codex", "--agent", "fourth"])).stderr).toContain("a server signalbox of your own");
      await connect(["codex", "--remove"]);
      expect(read(".codex/config.toml")).toBe(own);
    }
  });
});

/** Written by people and by programs, each in a way of its own. */
const TEXTS: [what: string, text: string][] = [
  [
    "numbers that no double holds",
    '{\n  "id": 12345678901234567890,\n  "ratio": 1.0,\n  "e": 1E400,\n  "mcpServers": {}\n}\n'.replace(
      ',\n  "mcpServers": {}',
      "",
    ),
  ],
  ["one line", '{"a": 1, "b": [1,2],"c":{"d" : null}}'],
  ["comments and commas at the end", '// mine\n{\n  "a": 1, // first\n  /* second */ "b": 2,\n}\n// end'],
  ["a comment that ends the line of a member", '{"a": {} // mine {\n  \n}\n'],
  ["a comma in a line of its own", '{ "a": 1 // mine\n  ,\n}'],
  ["tabs and line ends of Windows", '{\r\n\t"a": 1,\r\n\t"list": [\r\n\t\t1, 2\r\n\t]\r\n}\r\n'],
  ["a mark of the byte order", '\uFEFF{"a": "\\u00e9\\/"}'],
  [
    "servers and hooks of others",
    '{\n    "mcpServers": { "other": {"command":"x"} }, "mcp": {"other": {"type":"local"}},\n    "hooks": {"Stop": [{"hooks":[{"type":"command","command":"mine"}]}]}\n}',
  ],
];

/** One harness for each text in turn, and all of them for the last: the same editor serves them all. */
function harnessesFor(index: number): typeof FILES {
  const all = FILES.filter(([args]) => args.length === 1);
  return index === TEXTS.length - 1 ? all : all.slice(index % all.length).slice(0, 1);
}

describe("files of harnesses are changed in their text", () => {
  for (const [index, [what, text]] of TEXTS.entries())
    test(`a file of a harness stays to the letter but for our entries: ${what}`, async () => {
      for (const [args, file, group] of harnessesFor(index)) {
        put(file, text);
        expect(await connect([...args, "--agent", "editor"])).toMatchObject({ code: 0 });
        const now = read(file);
        // Additions only.
        let at = 0;
        for (const character of now) if (character === text[at]) at++;
        expect(at).toBe(text.length);
        expect(now.indexOf("signalbox")).toBeGreaterThan(now.indexOf(`"${group}"`));
        const again = await connect([...args, "--agent", "editor"]);
        expect(again.code).toBe(0);
        expect(read(file)).toBe(now);
        await connect([...args, "--remove"]);
        expect(read(file)).toBe(text);
      }
    });

  test("a file of TOML is changed in its text, with all that TOML has", async () => {
    const config = `# mine\r\nbig = 9223372036854775807 # kept\r\nat = 2026-11-28T05:00:00Z\r\ntext = '''\r\n[mcp_servers.signalbox]\r\n'''\r\n[[list]]\r\na.b = 1`;
    put(".codex/config.toml", config);
    expect(await connect(["codex", "--agent", "toml"])).toMatchObject({ code: 0 });
    expect(read(".codex/config.toml")).toStartWith(`${config}\r\n\r\n# signalbox: begin`);
    await connect(["codex", "--remove"]);
    expect(read(".codex/config.toml").trimEnd()).toBe(config);
  });

  test("a member that is in the file of a harness twice is left to a person", async () => {
    const text = '{"mcpServers": {"a": {}}, "mcpServers": {"b": {}}}';
    put("project/.mcp.json", text);
    const ran = await connect(["claude", "--agent", "twice"]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("nothing was changed");
    expect(read("project/.mcp.json")).toBe(text);
  });
});

describe("what was written between connecting and --remove", () => {
  test("lines written into our block of Codex's file before --remove stay, and so does what was added to our table until that goes", async () => {
    const config = 'model = "x"\n';
    const theirs = '\n[projects."/home/me/work"]\ntrust_level = "trusted"\n# kept\n';
    const tools = '\n[mcp_servers.signalbox.tools.inbox]\napproval_mode = "approve"\n';
    put(".codex/config.toml", config);
    await connect(["codex", "--agent", "block"]);
    // A program that keeps comments puts new tables before the last of them.
    const begun = read(".codex/config.toml");
    const edited = begun.replace("# signalbox: end\n", `enabled = false\n${tools}${theirs}# signalbox: end\n`);
    put(".codex/config.toml", edited);
    expect(await connect(["codex", "--agent", "block"])).toMatchObject({ code: 0 });
    expect(read(".codex/config.toml")).toBe(edited);
    expect(await connect(["codex", "--agent", "other"])).toMatchObject({ code: 0 });
    expect(read(".codex/config.toml")).toBe(edited.replace("codex.block.json", "codex.other.json"));
    expect(await connect(["codex", "--remove"])).toMatchObject({ code: 0 });
    expect(Bun.TOML.parse(read(".codex/config.toml"))).toEqual(Bun.TOML.parse(config + theirs));
    expect(read(".codex/config.toml")).toContain("# kept\n");
  });

  test("lines written behind our block of Codex's file before --remove stay, and nothing is taken out that cannot be told apart", async () => {
    await connect(["codex", "--agent", "block"]);
    put(".codex/config.toml", `${read(".codex/config.toml")}tool_timeout_sec = 9\n[mcp_servers.mine]\ncommand = "x"\n`);
    await connect(["codex", "--remove"]);
    expect(read(".codex/config.toml")).toBe('[mcp_servers.mine]\ncommand = "x"\n');
    await connect(["codex", "--agent", "block"]);
    const mixed = `a = 1\n${read(".codex/config.toml")}text = """\n[mcp_servers.mine.env]\n"""\n`;
    put(".codex/config.toml", mixed);
    expect((await connect(["codex", "--remove"])).stderr).toContain("by hand");
    expect(read(".codex/config.toml")).toBe(mixed);
  });

  test("lines written into our server and our hooks stay when connect is called again", async () => {
    await connect(["gemini", "--agent", "kept"]);
    const file = "project/.gemini/settings.json";
    const edited = read(file)
      .replace(/("args": \[[^\]]*\])/, '$1,\n      "trust": true, "timeout": 60000')
      .replace('"timeout": 10000', '"timeout": 20000, "name": "mine"');
    expect(edited).toContain("20000");
    put(file, edited);
    expect(await connect(["gemini", "--agent", "kept"])).toMatchObject({ code: 0 });
    expect(read(file)).toBe(edited);
    await connect(["gemini", "--remove"]);
    expect(existsSync(join(home.path, file))).toBe(false);
  });

  test("a file beside OpenCode's plain file does not hide our entry in it", async () => {
    await connect(["opencode", "--agent", "plain"]);
    put("project/opencode.jsonc", '{ /* mine */ "theme": "x" }');
    await connect(["opencode", "--remove"]);
    expect(existsSync(join(project, "opencode.json"))).toBe(false);
    expect(read("project/opencode.jsonc")).toBe('{ /* mine */ "theme": "x" }');
  });
});

test("a member of another form than the harness reads is not replaced", async () => {
  const ODD: [args: string[], file: string, text: string][] = [
    [["claude"], "project/.mcp.json", '{"mcpServers": ["mine"]}'],
    [["claude"], "project/.claude/settings.local.json", '{"hooks": [{"mine": 1}]}'],
    [["claude"], "project/.claude/settings.local.json", '{"hooks": {"Stop": {"mine": 1}}}'],
    [["claude"], "project/.claude/settings.local.json", '{"enabledMcpjsonServers": "mine"}'],
    [["codex"], ".codex/hooks.json", '{"hooks": {"SessionStart": "mine"}}'],
    [["gemini"], "project/.gemini/settings.json", '{"hooks": {"AfterAgent": 7}}'],
    [["qwen"], "project/.qwen/settings.json", '{"mcpServers": "mine"}'],
    [["opencode"], "project/opencode.json", '{"mcp": [1]}'],
  ];
  for (const [args, file, text] of ODD) {
    put(file, text);
    const ran = await connect([...args, "--agent", "odd"]);
    expect({ code: ran.code, file, said: ran.stderr }).toMatchObject({
      ...{ code: 1, file },
      said: expect.stringMatching(/has something else than .* as .*; nothing was changed/),
    });
    expect(await connect([...args, "--remove"])).toMatchObject({ code: 0 });
    expect(read(file)).toBe(text);
    rmSync(join(home.path, file));
  }
});

test("a file that is read-only is not replaced, and nothing else is left behind", async () => {
  put("project/.claude/settings.local.json", '{"a": 1}');
  chmodSync(join(project, ".claude/settings.local.json"), 0o444);
  const ran = await connect(["claude", "--agent", "readonly"]);
  expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining("settings.local.json is read-only") });
  expect(read("project/.claude/settings.local.json")).toBe('{"a": 1}');
  expect(existsSync(join(project, ".mcp.json"))).toBe(false);
  expect(existsSync(keysOf("claude.readonly.json"))).toBe(false);
});

test("a link is followed, to where nothing is yet, too, and stays a link", async () => {
  for (const [args, file] of [
    [["claude"], "project/.mcp.json"],
    [["codex"], ".codex/config.toml"],
  ] as const) {
    const real = join(home.path, "dotfiles", file);
    mkdirSync(dirname(join(home.path, file)), { recursive: true });
    symlinkSync(real, join(home.path, file));
    expect(await connect([...args, "--agent", "linked"])).toMatchObject({ code: 0 });
    expect(readFileSync(real, "utf8")).toContain("signalbox");
    expect(lstatSync(join(home.path, file)).isSymbolicLink()).toBe(true);
    await connect([...args, "--remove"]);
    expect(existsSync(real)).toBe(false);
    expect(lstatSync(join(home.path, file)).isSymbolicLink()).toBe(true);
  }
});

test("keys in a home with signs of the shell in its name are found again, and their token ended", async () => {
  const odd = join(home.path, 'o\'brien $HOME "x"');
  const there = join(odd, "work");
  mkdirSync(there, { recursive: true });
  for (const harness of ["claude", "codex", "gemini", "opencode"]) {
    const call = (...args: string[]) =>
      callCli(["connect", harness, ...args, "--data", relay.dataDir, "--json"], { env: { HOME: odd }, cwd: there });
    const { agentId, keys } = JSON.parse((await call()).stdout);
    expect(existsSync(keys)).toBe(true);
    expect(JSON.parse((await call("--remove")).stdout)).toMatchObject({ agentId, left: [] });
    expect(existsSync(keys)).toBe(false);
  }
});

describe("something else in the place of a file", () => {
  const PLACES: [args: string[], file: string][] = [
    ...FILES.map(([args, file]): [string[], string] => [args, file]),
    [["claude"], "project/.claude/settings.local.json"],
    [["codex"], ".codex/config.toml"],
    [["codex"], ".codex/hooks.json"],
  ];
  for (const [args, file] of PLACES)
    test(`something else in the place of a file is said in a sentence: ${args.join(" ")}, ${file}`, async () => {
      for (const make of [
        () => mkdirSync(join(home.path, file), { recursive: true }),
        () => put(file, new Uint8Array([0x7b, 0xff, 0x7d])),
        () => put(file, "{ mine"),
      ]) {
        make();
        const ran = await connect([...args, "--agent", "careful"]);
        expect(ran.code).toBe(1);
        expect(ran.stderr).toContain("nothing was changed");
        expect(ran.stderr).not.toMatch(/\n\s+at |EISDIR/);
        expect((await connect([...args, "--remove"])).stderr).not.toMatch(/\n\s+at |EISDIR/);
        rmSync(join(home.path, file), { recursive: true });
      }
    });

  test("something else in the place of a folder is said in a sentence, too", async () => {
    put("project/.gemini", "a file");
    const ran = await connect(["gemini", "--agent", "careful"]);
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.stderr).toContain("a part of its path is a file, not a folder");
  });
});

/** Speaks to a server on stdio as a harness does; answers the results by id. */
async function speak(command: string[], messages: object[]) {
  const stdin = messages.map((message) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`).join("");
  const child = Bun.spawn(command, {
    env: { PATH: process.env.PATH ?? "", HOME: home.path, ...ENGINE },
    stdin: new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const lines = (await new Response(child.stdout).text()).trim().split("\n");
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  const answers = lines.map((line) => JSON.parse(line) as any);
  return new Map(answers.map((answer) => [answer.id, answer]));
}
const HELLO = [
  {
    id: 0,
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "probe", version: "1" } },
  },
  { method: "notifications/initialized" },
];

describe("connect gemini, qwen and opencode", () => {
  for (const [harness, name, file] of [
    ["gemini", "Gemini CLI", ".gemini/settings.json"],
    ["qwen", "Qwen Code", ".qwen/settings.json"],
    ["opencode", "OpenCode", "opencode.json"],
  ] as const)
    test(`${harness} speaks to the relay over stdio, and its files hold no secret`, async () => {
      expect(await connect([harness, "--agent", `my-${harness}`])).toMatchObject({ code: 0 });
      const reach = harness === "opencode" ? "asked" : "idle";
      expect(await operator.agents.get(`my-${harness}`)).toMatchObject({ rig: name, reach });
      const { token } = JSON.parse(readFileSync(keysOf(`${harness}.my-${harness}.json`), "utf8"));
      expect(read(`project/${file}`)).not.toContain(token);
      const config = JSON.parse(read(`project/${file}`));
      const entry = (config.mcpServers ?? config.mcp).signalbox;
      const command: string[] = harness === "opencode" ? entry.command : [entry.command, ...entry.args];
      const call = { name: "send", arguments: { to: "user", text: `from ${harness}` } };
      const answers = await speak(command, [
        ...HELLO,
        { id: 1, method: "tools/list" },
        { id: "two", method: "tools/call", params: call },
        { id: 3, method: "no/such" },
      ]);
      expect(answers.get(0).result.serverInfo.name).toBe("signalbox");
      expect(answers.get(1).result.tools.length).toBeGreaterThan(8);
      expect(answers.get("two").result.structuredContent).toMatchObject({ matched: 1 });
      expect(answers.get(3).error.code).toBe(-32_601);
      const { items } = await operator.messages.list({ from: `my-${harness}` });
      expect(items[0]?.body).toBe(`from ${harness}`);
    });

  test("a bridge whose relay is away says so for each request, and ends with its stdin", async () => {
    put("away.json", JSON.stringify({ url: "http://127.0.0.1:1", agentId: "x", token: "x", tokenId: "x" }));
    const command = [...PROGRAM, "mcp-bridge", "--keys", join(home.path, "away.json")];
    const answers = await speak(command, HELLO);
    expect(answers.get(0).error.message).toContain("http://127.0.0.1:1 does not answer: nothing listens there");
    expect(answers.size).toBe(1);
  });

  test("a bridge tells in MCP what is none: a token that was refused, a proxy's page, a redirect that it does not follow", async () => {
    const far = createFarEnd();
    for (const [answer, text] of [
      [() => problem("unauthorized"), "far end: unauthorized"],
      [() => new Response("<h1>Bad gateway</h1>", { status: 502 }), "HTTP 502"],
      [() => Response.redirect(`${relay.url}/mcp`, 307), "it redirects, as no relay does"],
    ] as const) {
      far.answer(answer);
      put("far.json", JSON.stringify({ url: far.url, agentId: "x", token: relay.token, tokenId: "x" }));
      const command = [...PROGRAM, "mcp-bridge", "--keys", join(home.path, "far.json")];
      const answers = await speak(command, [{ id: 7, method: "tools/list" }]);
      expect(answers.get(7).error.message).toContain(text);
    }
    await far.close();
  });

  test("Gemini CLI wakes through its AfterAgent hook", async () => {
    await connect(["gemini", "--agent", "gem"]);
    const { hooks } = JSON.parse(read("project/.gemini/settings.json"));
    expect(Object.keys(hooks)).toEqual(["SessionStart", "BeforeAgent", "AfterAgent"]);
    const [
      {
        hooks: [hook],
      },
    ] = hooks.AfterAgent;
    expect(hook).toMatchObject({ type: "command", timeout: 10_000 });
    await operator.messages.send({ to: "gem", body: "wake up" });
    const said = await shell(
      hook.command,
      '{"session_id":"1","hook_event_name":"AfterAgent","stop_hook_active":false}',
    );
    expect(JSON.parse(said.stdout)).toMatchObject({ decision: "block", reason: expect.stringContaining("| wake up") });
  });

  test("OpenCode's commented file is the one that is changed, where there is one", async () => {
    put("project/opencode.jsonc", '{\n  // mine\n  "model": "x"\n}\n');
    await connect(["opencode", "--agent", "oc"]);
    expect(existsSync(join(project, "opencode.json"))).toBe(false);
    expect(read("project/opencode.jsonc")).toContain("// mine");
    await connect(["opencode", "--remove"]);
    expect(read("project/opencode.jsonc")).toBe('{\n  // mine\n  "model": "x"\n}\n');
  });
});

describe("on another machine", () => {
  const from = (token: string) => ["--url", relay.url, "--token", token];

  test("an enroll token registers the agent and gets its own token", async () => {
    const { token } = await operator.tokens.create({ role: "enroll", prefix: "far-" });
    expect((await connect(["claude", "--agent", "near"], from(token))).stderr).toContain("--agent far-near");
    expect(await connect(["claude"], from(token))).toMatchObject({ code: 0 });
    const keys = JSON.parse(readFileSync(keysOf("claude.far-claude-project.json"), "utf8"));
    expect(keys.token).not.toBe(token);
    expect(await createClient(keys).whoami()).toMatchObject({ role: "agent", agentId: "far-claude-project" });
    expect(await operator.agents.get("far-claude-project")).toMatchObject({ rig: "Claude Code", reach: "idle" });
    // Again, by the keys that are there.
    expect(await connect(["claude"], from(token))).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(keysOf("claude.far-claude-project.json"), "utf8"))).toEqual(keys);
  });

  test("the agent's own token is used as it is, and --remove does not end it", async () => {
    await operator.agents.register("own", { name: "own" });
    const { token } = await operator.tokens.create({ role: "agent", agentId: "own" });
    expect((await connect(["gemini", "--agent", "other"], from(token))).stderr).toContain("own's own");
    expect(await connect(["gemini"], from(token))).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(keysOf("gemini.own.json"), "utf8"))).toMatchObject({ token, agentId: "own" });
    expect(await operator.agents.get("own")).toMatchObject({ rig: "Gemini CLI", reach: "idle" });
    expect(await connect(["gemini", "--remove"], from(token))).toMatchObject({ code: 0 });
    expect(existsSync(keysOf("gemini.own.json"))).toBe(false);
    expect(await createClient({ url: relay.url, token }).whoami()).toMatchObject({ agentId: "own" });
    expect((await operator.agents.get("own")).reach).toBe("asked");
  });

  test("a token of another role is refused with what to give", async () => {
    const { token } = await operator.tokens.create({ role: "viewer" });
    const ran = await connect(["claude"], from(token));
    expect(ran.code).not.toBe(0);
    expect(ran.stderr).toContain("one of role enroll, or the agent's own");
    expect(existsSync(join(project, ".mcp.json"))).toBe(false);
  });
});

describe("a checkout that moved", () => {
  /** A checkout of its own, with the same dependencies. */
  function checkout(name: string) {
    const root = join(home.path, name);
    mkdirSync(root);
    for (const part of ["src", "package.json", "tsconfig.json"])
      cpSync(join(import.meta.dir, "../../..", part), join(root, part), { recursive: true });
    symlinkSync(join(import.meta.dir, "../../../node_modules"), join(root, "node_modules"));
    return root;
  }
  const run = (root: string, args: string[]) =>
    shell([process.execPath, ...BUN_FLAGS, join(root, "src/cli/main.ts"), ...args].join(" "));
  const EVENT = '{"session_id":"1","hook_event_name":"SessionStart"}';

  test("a checkout that moved keeps its hooks: they are quiet until any of its commands is called, or find signalbox on the PATH", async () => {
    const old = checkout("old");
    const data = ["--data", relay.dataDir];
    expect((await run(old, ["connect", "codex", "--agent", "mover", ...data])).code).toBe(0);
    const line: string = JSON.parse(read(".codex/hooks.json")).hooks.SessionStart[0].hooks[0].command;
    expect(line).not.toContain(old);
    expect((await shell(line, EVENT)).stdout).toContain("You are mover");
    const moved = join(home.path, "new");
    renameSync(old, moved);
    expect(await shell(line, EVENT)).toEqual({ code: 0, stdout: "" });
    const bin = join(home.path, "bin");
    mkdirSync(bin);
    const main = join(moved, "src/cli/main.ts");
    writeFileSync(join(bin, "signalbox"), `#!/bin/sh\nexec ${process.execPath} ${BUN_FLAGS.join(" ")} ${main} "$@"\n`);
    chmodSync(join(bin, "signalbox"), 0o755);
    const PATH = `${bin}:${process.env.PATH}`;
    expect((await shell(line, EVENT, { PATH })).stdout).toContain("You are mover");
    rmSync(join(home.path, ".config/signalbox/bin/signalbox"));
    const doctor = JSON.parse((await run(moved, ["doctor", "--json", ...data])).stdout);
    expect(doctor.checks.find(({ name }: { name: string }) => name === "launcher").status).toBe("fail");
    await run(moved, ["connect", "codex", "--agent", "mover", ...data]);
    expect((await shell(line, EVENT)).stdout).toContain("You are mover");
  });

  test("a checkout that moved is mended by the first command in its new place, and doctor looks", async () => {
    const old = checkout("old");
    const data = ["--data", relay.dataDir];
    await run(old, ["connect", "claude", "--scope", "user", "--agent", "mended", ...data]);
    renameSync(old, join(home.path, "new"));
    const doctor = JSON.parse((await run(join(home.path, "new"), ["doctor", "--json", ...data])).stdout);
    const named = (name: string) => doctor.checks.filter((check: { name: string }) => check.name === name);
    expect(named("launcher")).toMatchObject([{ status: "ok" }]);
    expect(named("hooks of Claude Code")).toMatchObject([{ status: "ok" }, { status: "ok" }]);
    const line: string = JSON.parse(read(".claude/settings.json")).hooks.SessionStart[0].hooks[0].command;
    expect((await shell(line, EVENT)).stdout).toContain("You are mended");
    rmSync(keysOf("claude.mended.json"));
    const after = JSON.parse((await run(join(home.path, "new"), ["doctor", "--json", ...data])).stdout);
    const bad = after.checks.filter(({ status }: { status: string }) => status === "fail");
    expect(bad).toMatchObject([{ name: "hooks of Claude Code" }, { name: "hooks of Claude Code" }]);
    expect(bad[0].detail).toContain("signalbox connect claude writes them again");
  });
});
