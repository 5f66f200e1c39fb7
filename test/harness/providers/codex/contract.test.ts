import { describe } from "bun:test";
import { fakeCodex } from "../../../support/providers/codex.ts";
import { LINES, providerContract } from "../../../support/providers/contract.ts";
import { openTask } from "../../../support/providers/session.ts";

describe.skipIf(process.platform !== "linux")("Codex by its app-server, as its stand-in plays it", () => {
  providerContract("codex", fakeCodex().capabilities, async () => ({
    provider: fakeCodex(),
    environment: openTask().environment,
    words: { ...LINES, fail: "fail serverOverloaded", limit: "limit 100\nfail usageLimitExceeded" },
    allow: [],
  }));
});
