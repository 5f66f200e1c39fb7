import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../support/cli-harness.ts";
import { atEnd, tempFolder } from "../support/relay.ts";
import { scriptedAnthropic, scriptedOpenAi } from "../support/scripted-models.ts";
import { startServer, type TestServer } from "../support/server.ts";

/**
 * Claude Code and Codex as they are installed, with scripted models on loopback. Opt-in (`bun run test:clients`): they are
 * large, and no dependency of ours.
 */
const CLAUDE = process.env.SIGNALBOX_TEST_CLAUDE;
const CODEX = process.env.SIGNALBOX_TEST_CODEX;
const missing = [...(CLAUDE ? [] : ["claude"]), ...(CODEX ? [] : ["codex"])];
const without = missing.length ? ` (skipped: no ${missing.join(" and no ")}; bun run test:clients says how)` : "";

async function ask(server: TestServer, method: string, path: string, body?: object) {
  const headers = { authorization: `Bearer ${server.operatorToken}`, "content-type": "application/json" };
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers,
    ...(body && { body: JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  return (await response.json()) as any;
}

/** A person's machine: a home of its own, a folder to work in, connected by the real command. */
async function machine(server: TestServer, args: string[], files: Record<string, string> = {}) {
  const home = tempFolder();
  const folder = join(home, "work");
  mkdirSync(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(home, path, ".."), { recursive: true });
    writeFileSync(join(home, path), text);
  }
  const ran = await runCli(["connect", ...args, "--data", server.dataDir], { env: { HOME: home }, cwd: folder });
  expect(ran).toMatchObject({ code: 0 });
  return { home, folder };
}

function start(command: string[], { home, folder }: { home: string; folder: string }, env: Record<string, string>) {
  const child = Bun.spawn(command, {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", HOME: home, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  atEnd(async () => child.kill("SIGKILL"));
  const texts = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return (async () => {
    const [stdout, stderr] = await texts;
    return { code: await child.exited, stdout, stderr };
  })();
}

/** With its default model: the role in which the text of hooks reaches a model depends on which it is. */
const claude = (where: { home: string; folder: string }, model: string, prompt: string) =>
  start([CLAUDE ?? "", "-p", prompt, "--output-format", "json", "--allowedTools", "mcp__signalbox"], where, {
    ...{ ANTHROPIC_BASE_URL: model, ANTHROPIC_API_KEY: "none", ENABLE_TOOL_SEARCH: "false", IS_SANDBOX: "1" },
    ...{ CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1", DISABLE_TELEMETRY: "1", DISABLE_AUTOUPDATER: "1" },
  });

const codexConfig = (model: string) => `model = "scripted"
model_provider = "scripted"

[model_providers.scripted]
name = "scripted"
base_url = "${model}/v1"
wire_api = "responses"
env_key = "SCRIPTED_KEY"
`;

/** Codex wants a person to trust hooks first; nobody is there to do it. */
const codex = (where: { home: string; folder: string }, prompt: string) =>
  start([CODEX ?? "", "exec", "--json", "--skip-git-repo-check", "--dangerously-bypass-hook-trust", prompt], where, {
    SCRIPTED_KEY: "none",
  });

interface Said {
  role?: string;
  type?: string;
  content?: unknown;
}

/** Text of a request in roles above its user: the system prompt, and messages in such roles. */
function aboveUser(request: string): string {
  const {
    system,
    instructions,
    messages = [],
    input = [],
  } = JSON.parse(request) as Record<string, unknown> & {
    messages?: Said[];
    input?: Said[];
  };
  const above = [...messages, ...input].filter(({ role }) => role === "system" || role === "developer");
  return JSON.stringify([system, instructions, ...above]);
}

/** The same of the whole conversation with a model. */
const allAboveUser = (requests: readonly string[]): string => requests.map(aboveUser).join("\n");

/** Something that happens once, and is waited for. */
const once = () => Promise.withResolvers<void>();
describe.skipIf(missing.length > 0)(`the real clients${without}`, () => {
  test("Claude Code asks, Codex is woken by its hook, claims and answers, and Claude Code is woken by the answer", async () => {
    const server = await startServer();
    const [sent, begun, answered] = [once(), once(), once()];
    const codexModel = scriptedOpenAi(
      [
        async () => {
          begun.resolve();
          await sent.promise;
          return { text: "There is nothing to do." };
        },
        () => ({ tool: "claim", input: {} }),
        (request) => {
          const token = /clm_\d+_\d+/.exec(request.slice(request.lastIndexOf("_call_output")))?.[0] ?? "";
          const id = Number(token.split("_")[1]);
          return { tool: "finish", input: { id, token, how: "complete", text: "3 tests fail" } };
        },
        () => {
          answered.resolve();
          return { text: "Answered." };
        },
      ],
      "mcp__signalbox",
    );
    const claudeModel = scriptedAnthropic([
      async () => {
        await begun.promise;
        return {
          tool: "mcp__signalbox__send",
          input: { to: "cody", text: "How many tests fail?", work: true },
        };
      },
      async () => {
        sent.resolve();
        await answered.promise;
        return { text: "I have asked." };
      },
      () => ({ tool: "mcp__signalbox__inbox", input: {} }),
      (request) => ({ tool: "mcp__signalbox__inbox", input: { ack: Number(/\\"ack\\":(\d+)/.exec(request)?.[1]) } }),
      (request) => ({ text: request.includes("| 3 tests fail") ? "Cody says: 3 tests fail." : "No answer came." }),
    ]);
    const carol = await machine(server, ["claude", "--agent", "carol", "--scope", "user"]);
    const cody = await machine(server, ["codex", "--agent", "cody"], {
      ".codex/config.toml": codexConfig(codexModel.url),
    });

    const [second, first] = await Promise.all([
      codex(cody, "Say hi"),
      claude(carol, claudeModel.url, "Ask cody how many tests fail"),
    ]);
    const told = {
      codex: second,
      claude: first,
      requests: { codex: codexModel.requests.length, claude: claudeModel.requests.length },
    };
    expect(told).toMatchObject({ codex: { code: 0 }, claude: { code: 0 } });

    // Codex was woken by its stop hook, with the text in an envelope.
    expect(codexModel.requests[1]).toContain("| How many tests fail?");
    expect(codexModel.requests[1]).toContain("from carol (agent, peer)");
    expect(codexModel.requests[0]).not.toContain("How many tests fail?");
    // Claude Code was woken by its stop hook, which says that there is something to read.
    expect(claudeModel.requests[2]).toContain("1 unread. Read them with inbox.".replace(". ", ".\\n"));
    expect(claudeModel.requests[2]).not.toContain("3 tests fail");
    expect(claudeModel.requests[3]).toContain("| 3 tests fail");
    // The hooks speak above the user in both; text by others does not.
    expect(allAboveUser(claudeModel.requests)).toContain("You are carol on this relay.");
    expect(allAboveUser(claudeModel.requests)).not.toContain("3 tests fail");
    expect(allAboveUser(codexModel.requests)).toContain("You are cody on this relay.");
    expect(allAboveUser(codexModel.requests)).not.toContain("How many tests fail?");
    expect(allAboveUser(codexModel.requests)).not.toContain("from carol");
    expect(JSON.parse(first.stdout).result).toBe("Cody says: 3 tests fail.");

    const [work] = (await ask(server, "GET", "/v1/messages?from=carol&to=cody")).items;
    expect(work).toMatchObject({ body: "How many tests fail?", state: "done" });
    const [answer] = (await ask(server, "GET", "/v1/messages?from=cody&to=carol")).items;
    expect(answer).toMatchObject({ kind: "response", body: "3 tests fail", replyTo: work.id });
    expect((await ask(server, "GET", "/v1/agents/carol/inbox")).items).toEqual([]);
    const { items } = await ask(server, "GET", "/v1/agents?kind=provider");
    for (const agent of items) expect(agent.reach).toBe("idle");
  });

  test("Codex asks, Claude Code is woken by its hook, claims and answers, and Codex is woken by the answer", async () => {
    const server = await startServer();
    const [sent, begun, answered] = [once(), once(), once()];
    const claudeModel = scriptedAnthropic([
      async () => {
        begun.resolve();
        await sent.promise;
        return { text: "There is nothing to do." };
      },
      () => ({ tool: "mcp__signalbox__claim", input: {} }),
      (request) => {
        const token = /clm_\d+_\d+/.exec(request.slice(request.lastIndexOf("tool_result")))?.[0] ?? "";
        const id = Number(token.split("_")[1]);
        return { tool: "mcp__signalbox__finish", input: { id, token, how: "complete", text: "It is green" } };
      },
      () => {
        answered.resolve();
        return { text: "Answered." };
      },
    ]);
    const codexModel = scriptedOpenAi(
      [
        async () => {
          await begun.promise;
          return { tool: "send", input: { to: "carol", text: "Is main green?", work: true } };
        },
        async () => {
          sent.resolve();
          await answered.promise;
          return { text: "I have asked." };
        },
        (request) => ({ text: request.includes("| It is green") ? "Carol says: it is green." : "No answer came." }),
      ],
      "mcp__signalbox",
    );
    const carol = await machine(server, ["claude", "--agent", "carol", "--scope", "user"]);
    const cody = await machine(server, ["codex", "--agent", "cody"], {
      ".codex/config.toml": codexConfig(codexModel.url),
    });
    const [first, second] = await Promise.all([
      codex(cody, "Ask carol whether main is green"),
      claude(carol, claudeModel.url, "Say hi"),
    ]);
    expect({ codex: first, claude: second }).toMatchObject({ codex: { code: 0 }, claude: { code: 0 } });
    expect(claudeModel.requests[1]).toContain("There is work: claim.");
    expect(claudeModel.requests[1]).not.toContain("Is main green?");
    expect(claudeModel.requests[2]).toContain("| Is main green?");
    expect(allAboveUser(claudeModel.requests)).not.toContain("Is main green?");
    expect(allAboveUser(codexModel.requests)).not.toContain("It is green");
    expect(JSON.parse(second.stdout).result).toBe("Answered.");
    expect(first.stdout).toContain("Carol says: it is green.");
    const [work] = (await ask(server, "GET", "/v1/messages?from=cody&to=carol")).items;
    expect(work).toMatchObject({ body: "Is main green?", state: "done" });
    expect((await ask(server, "GET", "/v1/agents/cody/inbox")).items).toEqual([]);
  });
});
