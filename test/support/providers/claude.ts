import { join } from "node:path";
import { type ClaudeOptions, claudeProvider } from "../../../src/harness/providers/claude/provider.ts";
import { ENGINE } from "../program.ts";
import { QUICK_SWEEP } from "./processes.ts";

/** Claude Code in place of which our stand-in is started. */
export const fakeClaude = (options: Partial<ClaudeOptions> = {}) =>
  claudeProvider({
    words: [process.execPath, join(import.meta.dir, "claude-program.ts")],
    environment: { PATH: process.env.PATH ?? "", ...ENGINE },
    containment: { sweep: QUICK_SWEEP },
    ...options,
  });
