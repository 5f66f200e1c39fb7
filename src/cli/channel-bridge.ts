import type { Command } from "commander";
import { contextOf, untilStopped } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";

export function addChannelBridgeCommand(program: Command): void {
  program
    .command("channel-bridge")
    .description("Push messages into a running Claude Code session: an MCP server on stdio, as a channel")
    .helpGroup("Harnesses:")
    .addHelpText("after", HELP)
    .action(async (_: object, command: Command) => {
      const { client, settings } = contextOf(command);
      const agentId = settings.agentId ?? (await client.whoami()).agentId ?? undefined;
      if (agentId === undefined)
        throw new Stop(EXIT.usage, "Say which agent it is: --keys, --as, or a token of its own");
      // Its library is loaded for nobody else: hooks have to be fast.
      const { bridge } = await import("../harness/bridges/channel.ts");
      await bridge(client, agentId, untilStopped());
    });
}

const HELP = `
Started by Claude Code, not by people. Channels are a research preview there: this bridge was tested with the MCP SDK's
client, and was not seen working in Claude Code itself, which has them for some accounts only and wants
--dangerously-load-development-channels server:signalbox-channel. What was pushed is acknowledged by the tool reply or done.

Example, in .mcp.json:
  {"mcpServers": {"signalbox-channel": {"command": "signalbox",
    "args": ["channel-bridge", "--keys", "/home/me/.config/signalbox/agents/claude.reviewer.json"]}}}`;
