import { describe, expect, test } from "bun:test";
import { codexProvider } from "../../../../src/harness/providers/codex/provider.ts";
import { LINES, providerContract } from "../../../support/providers/contract.ts";
import { codexHome, linesModel } from "../../../support/providers/lines-model.ts";
import { QUICK_SWEEP } from "../../../support/providers/processes.ts";
import { hear, openTask } from "../../../support/providers/session.ts";
import { scriptedOpenAi } from "../../../support/scripted-models.ts";
import { startServer } from "../../../support/server.ts";

/** The contract of providers with the real Codex, and a scripted model on loopback. Opt-in: `bun run test:clients`. */
const CODEX = process.env.SIGNALBOX_TEST_CODEX;

describe.skipIf(!CODEX)("the real Codex (skipped without one; bun run test:clients says how)", () => {
  const looking = { PATH: process.env.PATH ?? "" };
  const words = [CODEX ?? "codex"];

  /** A home of its own with that model in it. */
  function place(model: string) {
    const { HOME = "", ...rest } = openTask().environment;
    codexHome(HOME, model);
    const environment = { ...rest, HOME, SCRIPTED_LOGIN: "none" };
    return { environment, provider: codexProvider({ words, environment, containment: { sweep: QUICK_SWEEP } }) };
  }

  test("the relay's tools are called without a question, unattended too, with the session's token", async () => {
    const { url, operatorToken } = await startServer();
    const headers = { authorization: `Bearer ${operatorToken}`, "content-type": "application/json" };
    const body = JSON.stringify({ role: "agent", agentId: "builder" });
    const made = await fetch(`${url}/v1/tokens`, { method: "POST", headers, body });
    const { token } = (await made.json()) as { token: string };
    const model = scriptedOpenAi([() => ({ tool: "brief", input: {} }), () => ({ text: "Done." })], "mcp__signalbox");
    const { environment, provider } = place(`${model.url}/v1`);
    const one = await hear(provider, { environment, mcp: { url: `${url}/mcp`, token }, unattended: true });
    await one.send("Who are you?");
    expect(await one.ended()).toMatchObject({ outcome: "ok", text: "Done." });
    expect(one.of("tool")).toMatchObject([
      { phase: "start", name: "signalbox.brief" },
      { phase: "result", isError: false },
    ]);
    expect(JSON.stringify(one.of("tool"))).toContain("builder");
  });

  providerContract("codex", codexProvider({ words, environment: looking }).capabilities, async () => {
    const { environment, provider } = place(linesModel());
    return { provider, environment, words: LINES, allow: [] };
  });
});
