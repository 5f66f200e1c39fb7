import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, createClient } from "../../../src/client/client.ts";
import { callCli, putFile, runLine, tempFolder } from "../../support/cli-harness.ts";
import { freshRelay, operatorOf } from "../../support/client-relay.ts";

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
  project = join(home.path, "My Project");
  mkdirSync(project);
});

const connect = (args: string[]) =>
  callCli(["connect", ...args, "--data", relay.dataDir], { env: { HOME: home.path }, cwd: project });
const read = (...path: string[]) => readFileSync(join(home.path, ...path), "utf8");
const json = (...path: string[]) => JSON.parse(read(...path));
const put = (path: string, text: string) => putFile(join(home.path, path), text);
const keysOf = (name: string) => join(home.path, ".config/signalbox/agents", name);
const shell = async (line: string, stdin = "") => (await runLine(line, home.path, stdin)).stdout;

describe("connect claude", () => {
  test("connect claude makes the agent, keeps its token for its owner alone, and writes what works", async () => {
    const ran = await connect(["claude"]);
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain(".mcp.json (new):");
    const file = keysOf("claude.claude-my-project.json");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { token, tokenId } = JSON.parse(readFileSync(file, "utf8"));
    expect(await operator.agents.get("claude-my-project")).toMatchObject({ reach: "idle", rig: "Claude Code" });

    const server = json("My Project/.mcp.json").mcpServers.signalbox;
    expect(server).toMatchObject({ type: "http", url: `${relay.url}/mcp` });
    expect(JSON.parse(await shell(server.headersHelper))).toEqual({ Authorization: `Bearer ${token}` });
    const { hooks, enabledMcpjsonServers } = json("My Project/.claude/settings.local.json");
    expect(enabledMcpjsonServers).toEqual(["signalbox"]);
    expect(Object.keys(hooks)).toEqual(["SessionStart", "UserPromptSubmit", "Stop"]);
    for (const path of ["My Project/.mcp.json", "My Project/.claude/settings.local.json"])
      expect(read(path)).not.toContain(token);

    await operator.messages.send({ to: "claude-my-project", body: "wake up" });
    const answer = JSON.parse(
      await shell(hooks.Stop[0].hooks[0].command, '{"session_id":"1","hook_event_name":"Stop"}'),
    );
    expect(answer.reason).toContain("1 unread.");

    expect((await connect(["claude"])).code).toBe(0);
    expect(JSON.parse(readFileSync(file, "utf8")).tokenId).toBe(tokenId);
    expect(json("My Project/.claude/settings.local.json").hooks.Stop).toHaveLength(1);
  });

  test("connect claude again, after its agent was deleted, restores that very agent", async () => {
    await connect(["claude", "--agent", "phoenix"]);
    const { createdAt } = await operator.agents.get("phoenix");
    await operator.agents.delete("phoenix");
    expect((await connect(["claude", "--agent", "phoenix"])).code).toBe(0);
    expect(await operator.agents.get("phoenix")).toMatchObject({ createdAt, reach: "idle" });
    const { token } = JSON.parse(readFileSync(keysOf("claude.phoenix.json"), "utf8"));
    expect((await createClient({ url: relay.url, token }).whoami()).agentId).toBe("phoenix");
  });

  test("--remove takes the files back where no relay is found, and says that the token may still be good", async () => {
    await connect(["claude", "--agent", "leaver"]);
    const { tokenId } = JSON.parse(readFileSync(keysOf("claude.leaver.json"), "utf8"));
    const ran = await callCli(["connect", "claude", "--remove"], { env: { HOME: home.path }, cwd: project });
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain("Taken back from");
    expect(ran.stdout).toContain(`signalbox tokens revoke ${tokenId}`);
    for (const file of [join(project, ".mcp.json"), keysOf("claude.leaver.json")])
      expect([file, existsSync(file)]).toEqual([file, false]);
  });

  test("connect claude keeps what is there, and --remove takes back its own alone", async () => {
    const mcp = `{\n    "mcpServers": {\n        "other": {\n            "command": "x"\n        }\n    }\n}\n`;
    const settings = {
      model: "opus",
      enabledMcpjsonServers: ["other"],
      hooks: {
        Stop: [{ hooks: [{ type: "command", command: "mine" }] }],
        PreToolUse: [{ matcher: "Bash", hooks: [] }],
      },
    };
    put("My Project/.mcp.json", mcp);
    put("My Project/.claude/settings.local.json", `${JSON.stringify(settings, null, 2)}\n`);
    await connect(["claude", "--agent", "reviewer"]);
    expect(Object.keys(json("My Project/.mcp.json").mcpServers)).toEqual(["other", "signalbox"]);
    expect(json("My Project/.claude/settings.local.json").hooks.Stop).toHaveLength(2);
    const { token } = JSON.parse(readFileSync(keysOf("claude.reviewer.json"), "utf8"));

    const ran = await connect(["claude", "--remove"]);
    expect(ran.stdout).toContain("Taken back");
    expect(read("My Project/.mcp.json")).toBe(mcp);
    expect(json("My Project/.claude/settings.local.json")).toEqual(settings);
    expect(existsSync(keysOf("claude.reviewer.json"))).toBe(false);
    await expect(createClient({ url: relay.url, token }).whoami()).rejects.toMatchObject({ status: 401 });
    expect((await operator.agents.get("reviewer")).reach).toBe("asked");
    expect((await connect(["claude", "--remove"])).stdout).toContain("nothing to take back");
  });

  test("connect claude leaves no file behind that it made", async () => {
    await connect(["claude"]);
    await connect(["claude", "--remove"]);
    expect(existsSync(join(project, ".mcp.json"))).toBe(false);
    expect(existsSync(join(project, ".claude/settings.local.json"))).toBe(false);
  });

  test("connect claude for all of a person's folders, with tools alone, says that it is reached when it asks", async () => {
    put(".claude.json", '{"numStartups": 3}');
    await connect(["claude", "--agent", "everywhere", "--scope", "user", "--no-hooks"]);
    expect(json(".claude.json")).toMatchObject({ numStartups: 3, mcpServers: { signalbox: { type: "http" } } });
    expect(existsSync(join(home.path, ".claude/settings.json"))).toBe(false);
    expect((await operator.agents.get("everywhere")).reach).toBe("asked");
  });

  test("connect claude shows and writes nothing with --dry-run", async () => {
    const ran = await connect(["claude", "--agent", "shy", "--dry-run"]);
    expect(ran).toMatchObject({ code: 0, stdout: "" });
    expect(ran.stderr).toContain("headersHelper");
    expect(existsSync(join(project, ".mcp.json"))).toBe(false);
    await expect(operator.agents.get("shy")).rejects.toMatchObject({ status: 404 });
  });

  test("connect claude touches nothing when a file cannot be understood, or the relay is not there", async () => {
    put("My Project/.mcp.json", "{ mine");
    const ran = await connect(["claude", "--agent", "careful"]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("nothing was changed");
    expect(read("My Project/.mcp.json")).toBe("{ mine");
    await expect(operator.agents.get("careful")).rejects.toMatchObject({ status: 404 });
    put("My Project/.mcp.json", "{}");
    const away = await callCli(["connect", "claude", "--url", "http://127.0.0.1:1", "--token", "x"], {
      env: { HOME: home.path },
      cwd: project,
    });
    expect(away.code).toBe(3);
    expect(read("My Project/.mcp.json")).toBe("{}");
  });
});

describe("an agent that nobody named", () => {
  /** A folder called `My Project`, of the person whose home is `path`. */
  function folder(...path: string[]) {
    const there = join(...path, "My Project");
    mkdirSync(there, { recursive: true });
    return there;
  }
  const agentOf = async (cwd: string, from = ["--data", relay.dataDir], HOME = home.path) => {
    const ran = await callCli(["connect", "qwen", "--json", ...from], { env: { HOME }, cwd });
    if (ran.code !== 0) throw new Error(ran.stderr);
    return JSON.parse(ran.stdout).agentId as string;
  };

  test("an agent that nobody named is called after its folder, and each folder of that name is another", async () => {
    const [a, b] = [folder(home.path, "a"), folder(home.path, "b")];
    expect(await agentOf(a)).toBe("qwen-my-project");
    expect(await agentOf(b)).toBe("qwen-my-project-2");
    expect([await agentOf(a), await agentOf(b)]).toEqual(["qwen-my-project", "qwen-my-project-2"]);
    for (const id of ["qwen-my-project", "qwen-my-project-2"]) {
      const keys = JSON.parse(readFileSync(keysOf(`qwen.${id}.json`), "utf8"));
      expect((await createClient(keys).whoami()).agentId).toBe(id);
    }
    // On another machine, whose files say nothing of the first two.
    const far = tempFolder();
    expect(await agentOf(folder(far.path), undefined, far.path)).toBe("qwen-my-project-3");
    const { token } = await operator.tokens.create({ role: "enroll", prefix: "qwen-" });
    const enroll = ["--url", relay.url, "--token", token];
    const [one, two] = [tempFolder(), tempFolder()];
    expect(await agentOf(folder(one.path), enroll, one.path)).toBe("qwen-qwen-my-project");
    expect(await agentOf(folder(two.path), enroll, two.path)).toBe("qwen-qwen-my-project-2");
    expect(await agentOf(folder(two.path), enroll, two.path)).toBe("qwen-qwen-my-project-2");
    // A name is free once it was given back; a folder that had one keeps it.
    await callCli(["connect", "qwen", "--remove", "--data", relay.dataDir], { env: { HOME: home.path }, cwd: a });
    expect(await agentOf(b)).toBe("qwen-my-project-2");
    expect(await agentOf(a)).toBe("qwen-my-project");
  });

  test("an agent that nobody named is another one for each of several that begin at the same instant, on one machine or on several", async () => {
    const far = tempFolder();
    const places = [folder(home.path, "a"), folder(home.path, "b"), folder(home.path, "c"), folder(far.path)];
    const homeOf = (place: string) => (place.startsWith(far.path) ? far.path : home.path);
    for (let round = 0; round < 2; round++) {
      const ids = await Promise.all(places.map((place) => agentOf(place, undefined, homeOf(place))));
      expect(new Set(ids).size).toBe(places.length);
      for (const [n, place] of places.entries()) {
        const file = join(homeOf(place), ".config/signalbox/agents", `qwen.${ids[n]}.json`);
        const keys = JSON.parse(readFileSync(file, "utf8"));
        expect(keys).toMatchObject({ agentId: ids[n], place });
        expect((await createClient(keys).whoami()).agentId).toBe(ids[n] ?? "");
      }
      const live = (await operator.tokens.list({ limit: 500 })).items.filter(({ revokedAt }) => revokedAt === null);
      for (const id of ids) expect(live.filter(({ agentId }) => agentId === id)).toHaveLength(1);
    }
  });

  test("an agent that nobody named never takes over a deleted agent, and follows its folder when that is moved", async () => {
    const place = folder(home.path, "old");
    const id = await agentOf(place);
    renameSync(join(home.path, "old"), join(home.path, "new"));
    expect(await agentOf(folder(home.path, "new"))).toBe(id);
    await operator.agents.delete(id);
    const far = tempFolder();
    expect(await agentOf(folder(far.path), undefined, far.path)).not.toBe(id);
    expect(await agentOf(folder(home.path, "new"))).toBe(id);
  });
});

test("--remove believes no file of the folder that names the keys of somebody else", async () => {
  await connect(["claude", "--agent", "victim"]);
  const { tokenId } = JSON.parse(readFileSync(keysOf("claude.victim.json"), "utf8"));
  const cloned = join(home.path, "cloned");
  mkdirSync(cloned);
  const planted = join(cloned, "planted.json");
  writeFileSync(planted, JSON.stringify({ url: relay.url, agentId: "victim", token: "x", tokenId }));
  for (const file of [planted, keysOf("claude.victim.json")]) {
    const signalbox = { type: "http", url: "x", headersHelper: `x hook headers --keys ${file}` };
    writeFileSync(join(cloned, ".mcp.json"), JSON.stringify({ mcpServers: { signalbox } }));
    const ran = await callCli(["connect", "claude", "--remove", "--data", relay.dataDir], {
      env: { HOME: home.path },
      cwd: cloned,
    });
    expect(ran.code).toBe(0);
    expect(existsSync(file)).toBe(true);
  }
  const keys = JSON.parse(readFileSync(keysOf("claude.victim.json"), "utf8"));
  expect((await createClient(keys).whoami()).tokenId).toBe(tokenId);
});

test("what cannot work is taken back: the files, the keys, the token", async () => {
  const proxy = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const { pathname, search } = new URL(request.url);
      if (pathname === "/mcp") return new Response("not here", { status: 404 });
      const { method, headers } = request;
      return fetch(relay.url + pathname + search, {
        method,
        headers,
        body: await request.text().then((t) => t || null),
      });
    },
  });
  const ran = await callCli(
    ["connect", "claude", "--agent", "unlucky", "--url", proxy.url.origin, "--token", relay.token],
    {
      env: { HOME: home.path },
      cwd: project,
    },
  );
  proxy.stop(true);
  expect(ran.code).toBe(1);
  expect(ran.stderr).toContain("/mcp does not answer");
  expect(existsSync(join(project, ".mcp.json"))).toBe(false);
  expect(existsSync(keysOf("claude.unlucky.json"))).toBe(false);
  const { items } = await operator.tokens.list({ limit: 500 });
  const tokens = items.filter((token) => token.agentId === "unlucky");
  expect(tokens.map(({ revokedAt }) => revokedAt === null)).toEqual([false]);
});

describe("connect codex", () => {
  const config = `# my own\nmodel = "gpt-5" # fast\n\n[mcp_servers.other]\ncommand = "x"\n`;

  test("connect codex adds a server and hooks, and --remove takes them back to the letter", async () => {
    put(".codex/config.toml", config);
    const ran = await connect(["codex", "--agent", "builder"]);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain("/hooks");
    const text = read(".codex/config.toml");
    expect(text).toStartWith(config);
    const parsed = Bun.TOML.parse(text) as { mcp_servers: Record<string, Record<string, string>> };
    expect(parsed.mcp_servers.signalbox?.url).toBe(`${relay.url}/mcp`);
    expect(await shell(parsed.mcp_servers.signalbox?.http_headers_helper ?? "")).toContain("Bearer ");
    expect(Object.keys(json(".codex/hooks.json").hooks)).toEqual(["SessionStart", "UserPromptSubmit", "Stop"]);
    expect(await operator.agents.get("builder")).toMatchObject({ reach: "idle", rig: "Codex" });

    await connect(["codex", "--agent", "builder"]);
    expect(read(".codex/config.toml")).toBe(text);
    await connect(["codex", "--remove"]);
    expect(read(".codex/config.toml")).toBe(config);
    expect(existsSync(join(home.path, ".codex/hooks.json"))).toBe(false);
    expect(existsSync(keysOf("codex.builder.json"))).toBe(false);
  });

  test("connect codex does not write beside a server of that name that is not its own", async () => {
    const own = '[mcp_servers.signalbox]\nurl = "http://127.0.0.1:9/mcp"\n';
    put(".codex/config.toml", own);
    const ran = await connect(["codex", "--agent", "second"]);
    expect(ran.code).toBe(1);
    expect(read(".codex/config.toml")).toBe(own);
  });
});
