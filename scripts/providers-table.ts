import { join } from "node:path";
import { ACP_AGENTS } from "../src/harness/providers/acp/agents.ts";
import { ACP_CAPABILITIES } from "../src/harness/providers/acp/provider.ts";
import { claudeProvider } from "../src/harness/providers/claude/provider.ts";
import { CODEX_CAPABILITIES } from "../src/harness/providers/codex/provider.ts";
import type { Capabilities } from "../src/harness/providers/provider.ts";

/** Writes the tables of providers into docs/providers.md, from the providers themselves: `bun scripts/providers-table.ts`. */
const FILE = join(import.meta.dir, "../docs/providers.md");

const PROVIDERS: [string, Capabilities][] = [
  ["Claude Code", claudeProvider({ environment: {} }).capabilities],
  ["Codex", CODEX_CAPABILITIES.server],
  ["old Codex", CODEX_CAPABILITIES.exec],
  ["ACP, at least", ACP_CAPABILITIES],
];

const ABOUT: Record<keyof Capabilities, string> = {
  presetId: "the caller chooses the id of a new session",
  resume: "a session goes on in a new process",
  fork: "a session is copied",
  ephemeralFork: "a copy that leaves nothing behind, for a look",
  steer: "text goes into a running turn",
  receipts: "it says when the model has an input",
  interrupt: "a turn is stopped, and the session goes on",
  permissions: "it asks before it does something, and waits",
  structured: "answers by a JSON schema",
  usage: "tokens or money",
  limits: "it says until when its provider refuses",
  continueTurn: "a turn that a death interrupted runs again",
};

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

function abilities(): string {
  const names = Object.keys(ABOUT) as (keyof Capabilities)[];
  return [
    row(["ability", ...PROVIDERS.map(([name]) => name), ""]),
    row(["---", ...PROVIDERS.map(() => "---"), "---"]),
    ...names.map((name) => row([`\`${name}\``, ...PROVIDERS.map(([, can]) => (can[name] ? "yes" : "")), ABOUT[name]])),
  ].join("\n");
}

const agents = (): string =>
  [
    row(["name", "agent", "command", "to get it"]),
    row(["---", "---", "---", "---"]),
    ...ACP_AGENTS.map(({ name, title, words, install }) =>
      row([`\`${name}\``, title, `\`${words.join(" ")}\``, install.includes(" install ") ? `\`${install}\`` : install]),
    ),
  ].join("\n");

/** The page with the tables that belong into it. */
export const withProviders = (page: string): string =>
  [["abilities", abilities()] as const, ["agents", agents()] as const].reduce(
    (text, [name, table]) =>
      text.replace(new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(<!-- /${name} -->)`), `$1${table}\n$2`),
    page,
  );

if (import.meta.main) await Bun.write(FILE, withProviders(await Bun.file(FILE).text()));
