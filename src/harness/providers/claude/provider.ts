import { execFile } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { HarnessError } from "../../errors.ts";
import type { Containment } from "../process/contained.ts";
import { findMarked } from "../process/processes.ts";
import type { Capabilities, Environment, ForeignSession, Provider } from "../provider.ts";

export interface ClaudeOptions {
  name?: string;
  /** Command and its first arguments. */
  words?: readonly string[];
  /** Environment in which the CLI is asked for its version and its sessions. */
  environment: Environment;
  containment?: Containment;
}

const CAPABILITIES: Capabilities = {
  presetId: true,
  resume: true,
  fork: true,
  ephemeralFork: true,
  steer: true,
  receipts: true,
  interrupt: true,
  permissions: true,
  structured: true,
  usage: true,
  limits: true,
  continueTurn: true,
};

/** Claude Code, by its stream-json. What a version can do is read from what it says at its turns, never from its number. */
export function claudeProvider(options: ClaudeOptions): Provider {
  const { name = "claude", words = ["claude"], environment, containment = {} } = options;
  const ask = (args: string[], signal?: AbortSignal) => run([...words, ...args], environment, signal);
  return {
    name,
    kind: "claude",
    capabilities: CAPABILITIES,
    async probe(signal) {
      const account = accountOf(() => ask(["auth", "status", "--json"], signal));
      const said = await ask(["--version"], signal);
      const [version] = /\d+\.\d+\.\d+\S*/.exec(said) ?? [];
      if (!version) throw new HarnessError("problem", `${words[0]} --version says no version: ${said.slice(0, 200)}`);
      return { version, account: await account };
    },
    async open(task) {
      const { openClaude } = await import("./session.ts");
      return openClaude(task, { words, containment });
    },
    async listForeign() {
      // Older versions know no --all: they list those alone that somebody has open.
      const all = ask(["agents", "--json", "--all"]).catch(() => ask(["agents", "--json"]));
      const sessions = foreignSessions(await all);
      // The CLI lists those of daemons as well.
      const ours = new Set((await findMarked()).map(({ pid }) => pid));
      return sessions.filter(({ pid }) => pid === null || !ours.has(pid));
    },
    async remove({ nativeId, environment: of }) {
      const folder = join(of.CLAUDE_CONFIG_DIR ?? join(of.HOME ?? "", ".claude"), "projects");
      // Ids are UUIDs: others could name a file elsewhere.
      if (!/^[0-9a-f-]{36}$/i.test(nativeId)) return;
      for (const project of foldersIn(folder)) {
        rmSync(join(folder, project, `${nativeId}.jsonl`), { force: true });
        rmSync(join(folder, project, nativeId), { recursive: true, force: true });
      }
    },
  };
}

const PROBE_MS = 30_000;

function run(words: readonly string[], env: Environment, signal?: AbortSignal): Promise<string> {
  const [file = "", ...args] = words;
  const options = { env, timeout: PROBE_MS, maxBuffer: 16 * 1024 * 1024, ...(signal && { signal }) };
  return new Promise((resolve, reject) => {
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      if (error.code === "ENOENT") reject(new HarnessError("usage", MISSING(file)));
      else reject(new HarnessError("problem", `${words.join(" ")} failed: ${stderr.trim() || error.message}`));
    });
    // A program that reads its input would wait for more.
    child.stdin?.end();
  });
}

const MISSING = (file: string) =>
  `${file} cannot be found. Install it by \`npm install -g @anthropic-ai/claude-code\`, or set the path of its command.`;

/** Login of the CLI, where it says one. */
async function accountOf(ask: () => Promise<string>): Promise<string | null> {
  try {
    const { email, orgName } = JSON.parse(await ask());
    return email ?? orgName ?? null;
  } catch {
    // Older versions have no such command.
    return null;
  }
}

const text = z.string().nullable().catch(null);
const Foreign = z.object({
  ...{ sessionId: text, id: text, cwd: text, name: text, status: text },
  pid: z.number().nullable().catch(null),
  startedAt: z.union([z.number(), z.string()]).nullish().catch(null),
});

/** Sessions that a person, or another program, started. One with a process is open. */
function foreignSessions(said: string): ForeignSession[] {
  let list: unknown;
  try {
    list = JSON.parse(said);
  } catch {
    throw new HarnessError("problem", "claude agents --json says no JSON. Update Claude Code.");
  }
  return z
    .array(Foreign)
    .catch([])
    .parse(list)
    .flatMap(({ sessionId, id, cwd = null, name = null, pid = null, startedAt }) => {
      const nativeId = sessionId ?? id;
      if (!nativeId) return [];
      const started = typeof startedAt === "string" ? Date.parse(startedAt) : (startedAt ?? Number.NaN);
      return [{ nativeId, cwd, name, pid, isOpen: pid !== null, startedAt: Number.isNaN(started) ? null : started }];
    });
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
