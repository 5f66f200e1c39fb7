import { describe } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { acpProvider } from "../../../../src/harness/providers/acp/provider.ts";
import { PROGRAM } from "../../../support/program.ts";
import { LINES, providerContract } from "../../../support/providers/contract.ts";
import { lineModel } from "../../../support/providers/line-model.ts";
import { QUICK_SWEEP } from "../../../support/providers/processes.ts";
import { openTask } from "../../../support/providers/session.ts";

/** The contract of providers with the real OpenCode, by the Agent Client Protocol, and a scripted model on loopback. Opt-in: `bun run test:clients`. */
const OPENCODE = process.env.SIGNALBOX_TEST_OPENCODE;

describe.skipIf(!OPENCODE)("the real OpenCode (skipped without one; bun run test:clients says how)", () => {
  const provider = (environment: ReturnType<typeof openTask>["environment"]) =>
    acpProvider({
      ...{ name: "opencode", words: [OPENCODE ?? "opencode", "acp"], bridge: [...PROGRAM, "mcp-bridge"] },
      ...{ environment, containment: { sweep: QUICK_SWEEP }, startMs: 60_000 },
    });

  /** A home of its own with that model in it. Commands that touch a file are asked about, others are not. */
  function furnish(home: string, model: string): void {
    const folder = join(home, ".config/opencode");
    mkdirSync(folder, { recursive: true });
    const config = {
      ...{ model: "anthropic/scripted", small_model: "anthropic/scripted", autoupdate: false, share: "disabled" },
      provider: {
        anthropic: {
          options: { baseURL: `${model}/v1`, apiKey: "scripted" },
          models: { scripted: { name: "Scripted" } },
        },
      },
      permission: { bash: { "*": "allow", "touch *": "ask" } },
    };
    writeFileSync(join(folder, "opencode.json"), JSON.stringify(config));
  }

  const abilities = { resume: true, fork: true, usage: true };
  providerContract("opencode", { ...provider(openTask().environment).capabilities, ...abilities }, async () => {
    const { environment } = openTask();
    const more = {
      OPENCODE_DISABLE_MODELS_FETCH: "1",
      OPENCODE_DISABLE_AUTOUPDATE: "1",
      OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
    };
    furnish(environment.HOME ?? "", lineModel("bash").url);
    return { provider: provider(environment), environment: { ...environment, ...more }, words: LINES, allow: [] };
  });
});
