import { type Command, InvalidArgumentError, Option } from "commander";
import { everyItem } from "../client/client.ts";
import { ChannelInfo } from "../protocol/agent-ids.ts";
import { type Agent, AgentKind, AgentStatus } from "../protocol/agents.ts";
import { type Context, contextOf } from "./context.ts";
import { collect, jsonValue } from "./options.ts";
import { safeLine } from "./screen.ts";
import { AGENT_HEAD, agentRow, fieldsText } from "./show.ts";

interface RegisterOptions {
  name?: string;
  kind?: "provider" | "channel";
  label?: string;
  role?: string;
  description?: string;
  tag?: string[];
  capability?: string[];
  machine?: string;
  rig?: string;
  channel?: ChannelInfo;
  meta?: Record<string, unknown>;
  ready?: boolean;
}

export function addAgentCommands(program: Command): void {
  addRegister(program);
  const agents = program.command("agents").description("See who is registered").helpGroup("Agents and tokens:");
  addList(agents);
  agents
    .command("show")
    .description("Show one agent")
    .argument("<id>", "the agent")
    .addHelpText("after", "\nExample:\n  $ signalbox agents show builder")
    .action(async (id: string, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      const agent = await client.agents.get(id);
      await out.show(agent, () => fieldsText(agent, out));
    });
  agents
    .command("rm")
    .alias("remove")
    .description("Delete an agent; its messages and its id stay")
    .argument("<id>", "the agent")
    .addHelpText("after", "\nExample:\n  $ signalbox agents rm builder")
    .action(async (id: string, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      await client.agents.delete(id);
      await out.show({ deleted: id }, () => `${safeLine(id)} is deleted`);
    });
  agents
    .command("restore")
    .description("Restore a deleted agent: the same one, with its mail")
    .argument("<id>", "the agent")
    .addHelpText("after", "\nIt is offline and has no token.\n\nExample:\n  $ signalbox agents restore builder")
    .action(async (id: string, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      const agent = await client.agents.restore(id);
      await out.show(
        agent,
        () => `${safeLine(id)} is restored. Next: signalbox tokens create --role agent --agent ${safeLine(id)}`,
      );
    });
}

function addRegister(program: Command): void {
  program
    .command("register")
    .description("Register an agent, or say anew what it is")
    .helpGroup("Agents and tokens:")
    .argument("<id>", "the agent's id")
    .option("--name <name>", "what people call it (default: the id)")
    .addOption(new Option("--kind <kind>", "what it is").choices(["provider", "channel"]))
    .option("--label <label>", "the group label:<label>")
    .option("--role <text>", "what it does")
    .option("--description <text>", "what it is good for")
    .option("--tag <tag>", "the group tag:<tag>; repeatable", collect)
    .option("--capability <capability>", "the group cap:<capability>; repeatable", collect)
    .option("--machine <host>", "where it runs")
    .option("--rig <rig>", "the harness it runs in: Claude Code, Codex, ...")
    .option(
      "--channel <json>",
      "of a channel agent: provider, accountId, displayName, direction, topics, target",
      channelInfo,
    )
    .option("--meta <json>", "anything else, as a JSON object", jsonValue)
    .option("--ready", "it may claim work")
    .option("--no-ready", "it claims no work for now")
    .addHelpText(
      "after",
      "\nExample:\n  $ signalbox register builder --tag ci --capability build --machine $(hostname)",
    )
    .action(async (id: string, { tag, capability, name = id, ...rest }: RegisterOptions, command: Command) => {
      const { client, out } = contextOf(command);
      const agent = await client.agents.register(id, { name, ...rest, tags: tag, capabilities: capability });
      await out.show(agent, () => fieldsText(agent, out));
    });
}

function channelInfo(value: string): ChannelInfo {
  const parsed = ChannelInfo.safeParse(jsonValue(value));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InvalidArgumentError(`${issue?.path.join(".") ?? ""} ${issue?.message ?? "is not acceptable"}`.trim());
}

interface ListOptions {
  kind?: AgentKind;
  status?: AgentStatus;
  tag?: string;
  capability?: string;
  label?: string;
  machine?: string;
}

function addList(agents: Command): void {
  agents
    .command("list")
    .description("List the agents")
    .addOption(new Option("--kind <kind>", "of this kind").choices(AgentKind.options))
    .addOption(new Option("--status <status>", "in this state").choices(AgentStatus.options))
    .option("--tag <tag>", "with this tag")
    .option("--capability <capability>", "with this capability")
    .option("--label <label>", "with this label")
    .option("--machine <host>", "on this machine")
    .addHelpText("after", "\nExample:\n  $ signalbox agents list --status online")
    .action(async (filter: ListOptions, command: Command) => {
      const context = contextOf(command);
      const items = await allAgents(context, filter);
      await context.out.show({ items, nextPage: null }, () => context.out.table(AGENT_HEAD, items.map(agentRow)));
    });
}

async function allAgents({ client }: Context, filter: ListOptions): Promise<Agent[]> {
  const { kind, status, tag, capability, label, machine } = filter;
  const query = { kind, status, tag, capability, label, machine, limit: 500 };
  return await Array.fromAsync(everyItem((page) => client.agents.list({ ...query, page })));
}
