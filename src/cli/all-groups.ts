import { EVERYDAY } from "./everyday-groups.ts";
import { type Group, of } from "./groups.ts";

/** All commands. Those of a daemon, of chats and of bridges bring large libraries. */
export const GROUPS: readonly Group[] = [
  ...EVERYDAY,
  of("orchestrator", async () => (await import("./orchestrator.ts")).addOrchestratorCommand),
  of("channel channels", async () => (await import("./channels.ts")).addChannelCommands),
  of("mcp-bridge channel-bridge", async () => (await import("./bridges.ts")).addBridgeCommands),
  // Completions are made of all the others, so no name leads to them alone.
  { names: [], load: async () => (await import("./completions/completions.ts")).addCompletionsCommand },
];
