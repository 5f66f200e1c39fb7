import { describe } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { claudeProvider } from "../../../../src/harness/providers/claude/provider.ts";
import { LINES, providerContract } from "../../../support/providers/contract.ts";
import { lineModel } from "../../../support/providers/line-model.ts";
import { QUICK_SWEEP } from "../../../support/providers/processes.ts";
import { tempFolder } from "../../../support/relay.ts";

/** The contract of providers against the CLIs as they are installed, with scripted models on loopback. Opt-in (`bun run test:clients`). */
const CLAUDE = process.env.SIGNALBOX_TEST_CLAUDE;
const PATH = process.env.PATH ?? "";

const provider = claudeProvider({
  words: [CLAUDE ?? "claude"],
  environment: { PATH, HOME: tempFolder() },
  containment: { sweep: QUICK_SWEEP },
});

describe.skipIf(!CLAUDE)(`the real Claude Code${CLAUDE ? "" : " (skipped: bun run test:clients says how)"}`, () => {
  providerContract("claude", provider.capabilities, async () => ({
    provider,
    environment: {
      ...{ PATH, HOME: tempFolder(), IS_SANDBOX: "1", ANTHROPIC_BASE_URL: lineModel().url, ANTHROPIC_API_KEY: "none" },
      ...{ CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1", DISABLE_TELEMETRY: "1", ENABLE_TOOL_SEARCH: "false" },
      CLAUDE_CODE_MAX_RETRIES: "0",
    },
    words: LINES,
    allow: ["Bash"],
    hasStored: ({ session, task }, inputId) => {
      const folder = task.cwd.replaceAll(/[^a-zA-Z0-9]/g, "-");
      const file = join(task.environment.HOME ?? "", ".claude/projects", folder, `${session.nativeId}.jsonl`);
      return existsSync(file) && readFileSync(file, "utf8").includes(inputId);
    },
  }));
});
