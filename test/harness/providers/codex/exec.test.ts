import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SessionMissing } from "../../../../src/harness/providers/errors.ts";
import { fakeOldCodex } from "../../../support/providers/codex.ts";
import { hear, openTask } from "../../../support/providers/session.ts";

const codex = fakeOldCodex();

test("An old Codex runs one process for each turn, and goes on in its thread", async () => {
  expect(await codex.probe()).toEqual({ version: "0.60.0", account: null });
  expect(codex.capabilities).toMatchObject({ steer: false, receipts: false, permissions: false, resume: true });
  const mcp = { url: "http://127.0.0.1:1/mcp", token: "sbx_secret" };
  const one = await hear(codex, { mcp, systemPrompt: "Be brief." });
  const ids = [await one.send("first"), await one.send("second")];
  await one.ended(2);
  expect(one.of("result").map(({ result }) => result)).toMatchObject([
    { outcome: "ok", text: "first", inputIds: [ids[0]], moreFollow: true },
    { outcome: "ok", text: "second", inputIds: [ids[1]], moreFollow: false },
  ]);
  expect(one.of("native")).toHaveLength(1);
  // Codex says sums of the thread.
  const amounts = { inputTokens: 5, outputTokens: 1, cacheReadTokens: 4, cacheWriteTokens: 0 };
  expect(one.of("usage").map(({ usage }) => usage)).toEqual([amounts, amounts]);
  const words = readFileSync(join(one.task.cwd, "words.json"), "utf8");
  expect(JSON.parse(words)).toContain('mcp_servers.signalbox.bearer_token_env_var="SIGNALBOX_MCP_TOKEN"');
  for (const secret of [mcp.token, "first", "Be brief"]) expect(words).not.toContain(secret);
  const steered = { id: "x", text: "x", images: [], provenance: { kind: "human", from: "ana" } } as const;
  expect(await one.session.steer(steered)).toBe("refused");
});

test("A turn of an old Codex is stopped with its queue, and the session goes on", async () => {
  const one = await hear(codex);
  await one.send("run sleep 60");
  const queued = await one.send("never");
  await one.saw("turn-started");
  expect(await one.session.interrupt()).toEqual({ cancelled: [queued] });
  expect(await one.ended()).toMatchObject({ outcome: "aborted", error: null });
  await one.send("alive");
  expect((await one.ended(2)).text).toBe("alive");
  expect(await one.session.close()).toMatchObject({ code: 0, left: [] });
  await expect(one.send("late")).rejects.toThrow("closed");
});

test("Failures of an old Codex keep apart limits, the provider and crashes", async () => {
  const one = await hear(codex);
  for (const text of ["fail You hit your usage limit", "fail overloaded", "die"]) await one.send(text);
  await one.ended(3);
  expect(one.of("result").map(({ result }) => [result.errorCode, result.error])).toEqual([
    ["limited", "You hit your usage limit"],
    ["provider", "overloaded"],
    ["crashed", "Codex has ended (exit 4): it broke."],
  ]);
});

test("An old Codex finds no thread that is not there, and cannot peek", async () => {
  const nativeId = crypto.randomUUID();
  const resume = { how: "resume", nativeId, continueTurn: false } as const;
  await expect(codex.open(openTask({ origin: resume }))).rejects.toBeInstanceOf(SessionMissing);
  const peek = { how: "fork", nativeId, ephemeral: true } as const;
  await expect(codex.open(openTask({ origin: peek }))).rejects.toThrow("Update it to peek");
});
