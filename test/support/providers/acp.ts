import { join } from "node:path";
import { type AcpOptions, acpProvider } from "../../../src/harness/providers/acp/provider.ts";
import { PROGRAM as SIGNALBOX } from "../program.ts";
import { QUICK_SWEEP } from "./processes.ts";

const PROGRAM = join(import.meta.dir, "acp-program.ts");

/** An agent in place of which our stand-in is started: a variant of it, by its name. */
export const fakeAcp = (variant: string, options: Pick<AcpOptions, "environment" | "startMs">) =>
  acpProvider({
    name: variant,
    words: [process.execPath, PROGRAM, variant],
    bridge: [...SIGNALBOX, "mcp-bridge"],
    containment: { sweep: QUICK_SWEEP },
    ...options,
  });
