import { describe, expect, test } from "bun:test";
import { fakeCodex, fakeOldCodex } from "../../../support/providers/codex.ts";
import { LINES, providerContract } from "../../../support/providers/contract.ts";
import { openTask } from "../../../support/providers/session.ts";

describe.skipIf(process.platform !== "linux")("Codex by its app-server, as its stand-in plays it", () => {
  providerContract("codex", fakeCodex().capabilities, async () => ({
    provider: fakeCodex(),
    environment: openTask().environment,
    words: { ...LINES, fail: "fail serverOverloaded", limit: "limit 100\nfail usageLimitExceeded" },
    allow: [],
  }));

  const old = fakeOldCodex();
  test("an old Codex is known as one", async () => {
    await old.probe();
    expect(old.capabilities.steer).toBe(false);
  });
  const without = { ephemeralFork: false, steer: false, receipts: false, permissions: false, limits: false };
  providerContract("old codex", { ...fakeCodex().capabilities, ...without }, async () => ({
    provider: fakeOldCodex(),
    environment: openTask().environment,
    words: LINES,
    allow: [],
  }));
});
