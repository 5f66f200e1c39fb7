import { join } from "node:path";
import { type CodexOptions, codexProvider } from "../../../src/harness/providers/codex/provider.ts";
import { ENGINE } from "../program.ts";
import { tempFolder } from "../relay.ts";
import { QUICK_SWEEP } from "./processes.ts";

const PROGRAM = join(import.meta.dir, "codex-program.ts");

/** Codex in place of which our stand-in is started. */
export function fakeCodex(options: Partial<CodexOptions> = {}) {
  const home = options.home ?? tempFolder();
  return codexProvider({
    words: [process.execPath, PROGRAM],
    environment: { PATH: process.env.PATH ?? "", ...ENGINE },
    home,
    containment: { sweep: QUICK_SWEEP },
    ...options,
  });
}

/** An older one, without an app-server. */
export const fakeOldCodex = () =>
  fakeCodex({ words: [process.execPath, join(import.meta.dir, "codex-exec-program.ts")] });
