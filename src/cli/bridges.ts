import { serveMcpBridge } from "../harness/bridges/mcp.ts";
import type { CliCommand } from "./commands.ts";
import { agentOf } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import { untilStopped } from "./stopped.ts";

/** MCP servers on stdio, which harnesses start. stdout belongs to the protocol. */
export function addBridgeCommands(program: CliCommand): void {
  program
    .sub("mcp-bridge", "Speak MCP on stdio for a harness that cannot ask a command for HTTP headers", "Harnesses:")
    .addHelpText("after", MCP_HELP)
    .act(async ({ settings: { url, token } }) => {
      if (token === undefined) throw new Stop(EXIT.usage, "Name the agent's keys: --keys <file>");
      const print = (line: string): void => void process.stdout.write(`${line}\n`);
      await serveMcpBridge({ url, token, input: process.stdin, print });
    });
  program
    .sub("channel-bridge", "Push messages into a running Claude Code session: an MCP server on stdio, as a channel")
    .helpGroup("Harnesses:")
    .addHelpText("after", CHANNEL_HELP)
    .act(async (context) => {
      const agentId = await agentOf(context);
      // Loads the MCP library for this command alone: hooks have to be fast.
      const { serveChannelBridge } = await import("../harness/bridges/channel.ts");
      const { stdin, stdout } = process;
      await serveChannelBridge({ client: context.client, agentId, stdin, stdout, signal: untilStopped() });
    });
}

const MCP_HELP = `
Started by Gemini CLI, Qwen Code and OpenCode, not by people: signalbox connect writes it into their settings. Each line on
stdin goes to the relay's /mcp as it is, with the agent's token, and each answer comes as a line on stdout.

Example:
  $ signalbox mcp-bridge --keys ~/.config/signalbox/agents/gemini.reviewer.json`;

const CHANNEL_HELP = `
Started by Claude Code, not by people. Channels are a research preview there: this bridge was tested with the MCP SDK's
client, and was not seen working in Claude Code itself, which has them for some accounts only and wants
--dangerously-load-development-channels server:signalbox-channel. What was pushed is acknowledged by the tool reply or done.

Example, in .mcp.json:
  {"mcpServers": {"signalbox-channel": {"command": "signalbox",
    "args": ["channel-bridge", "--keys", "/home/me/.config/signalbox/agents/claude.reviewer.json"]}}}`;
