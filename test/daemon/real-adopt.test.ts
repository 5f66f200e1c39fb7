import { expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { createClient } from "../../src/client/client.ts";
import { startBox } from "../support/box.ts";
import { lineModel } from "../support/providers/line-model.ts";
import { startServer } from "../support/server.ts";
import { until } from "../support/until.ts";

/** A session of the real Claude Code that a person began in a terminal. Opt-in: `bun run test:clients`. */
const CLAUDE = process.env.SIGNALBOX_TEST_CLAUDE;

test.skipIf(!CLAUDE)(
  "a session that a person began by hand is adopted, and goes on with its memory",
  async () => {
    const server = await startServer();
    const client = createClient({ url: server.url, token: server.operatorToken });
    const environment = {
      ...{ IS_SANDBOX: "1", ANTHROPIC_BASE_URL: lineModel().url, CLAUDE_CODE_OAUTH_TOKEN: "scripted-login" },
      ...{ CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1", DISABLE_TELEMETRY: "1", ENABLE_TOOL_SEARCH: "false" },
    };
    const providers = [{ name: "claude", kind: "claude" as const, command: CLAUDE ?? "claude" }];
    const box = await startBox(client, server.url, { id: "one", providers, approvalMode: "open" }, { environment });
    const nativeId = randomUUID();
    const byHand = Bun.spawn([CLAUDE ?? "claude", "-p", "say The word is heron.", "--session-id", nativeId], {
      ...{ cwd: box.workspace, env: { PATH: process.env.PATH, HOME: box.folder, ...environment } },
      ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    });
    expect((await new Response(byHand.stdout).text()).trim()).toBe("The word is heron.");
    await byHand.exited;

    const adopted = await box.command({ do: "adopt", provider: "claude", nativeId, cwd: box.workspace });
    const sessionId = String(adopted.sessionId);
    expect(await box.command({ do: "adopt", provider: "claude", nativeId, cwd: box.workspace })).toMatchObject({
      sessionId,
    });
    await box.command({ do: "send", sessionId, text: "recall heron" });
    await until(async () => (await client.runs.list({ agent: "one-claude" })).items[0]?.status === "ended", "its turn");
    const [run] = (await client.runs.list({ agent: "one-claude" })).items;
    expect(run).toMatchObject({ outcome: "ok", sessionId });
    expect(run?.result?.text).toBe("yes");
    // The CLI does not say that nobody has it open, so a copy goes on, and the original stays as it is.
    expect(adopted.text).toContain("A copy of it goes on");
    expect((await client.sessions.get(sessionId)).nativeId).not.toBe(nativeId);
    await box.stop();
  },
  180_000,
);
