import { describe } from "bun:test";
import { fakeClaude } from "../../../support/providers/claude.ts";
import { LINES, providerContract } from "../../../support/providers/contract.ts";
import { openTask } from "../../../support/providers/session.ts";

describe.skipIf(process.platform !== "linux")("Claude Code, as its stand-in plays it", () => {
  providerContract("claude", fakeClaude().capabilities, async () => ({
    provider: fakeClaude(),
    environment: openTask().environment,
    words: LINES,
    allow: [],
  }));
});
