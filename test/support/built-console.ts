import { mock } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BUILT } from "./program.ts";

const built = (file: string) => readFileSync(join(BUILT ?? "", file), "utf8");

// Named as a preload in bunfig.toml: a relay asked for any page of the console takes the one that the test command has built.
// Each process would make it from the sources, for 4 s of CPU.
if (BUILT !== undefined)
  mock.module(join(import.meta.dir, "../../scripts/console.ts"), () => ({
    packConsole: async () => ({ pack: JSON.parse(built("docs-page/console.pack")), notices: built("NOTICES.txt") }),
  }));
