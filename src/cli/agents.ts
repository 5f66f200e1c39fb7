import { InvalidArgumentError } from "commander";
import { ChannelInfo } from "../protocol/agent-ids.ts";
import { AgentKind, type AgentRegistration, AgentStatus } from "../protocol/agents.ts";
import { addWholeList, type CliCommand, idCommands, type QueryOf } from "./commands.ts";
import { collect, jsonValue } from "./options.ts";
import { AGENT_HEAD, agentRow, fieldsText } from "./show.ts";

type RegisterOptions = Partial<AgentRegistration> & { tag?: string[]; capability?: string[] };

export function addAgentCommands(program: CliCommand): void {
  addRegister(program);
  const agents = program.sub("agents", "List, show, delete and restore agents", "Agents and tokens:");
  const add = idCommands(agents, { about: "the agent", example: "builder" });
  addList(agents);
  add("show", "Show one agent", ({ agents }, id) => agents.get(id));
  add(
    "rm",
    "Delete an agent; its messages and its id stay",
    ({ agents }, id) => agents.delete(id).then(() => ({ deleted: id })),
    (_, id) => `${id} is deleted`,
  ).alias("remove");
  add(
    "restore",
    "Restore a deleted agent, with its mail",
    ({ agents }, id) => agents.restore(id),
    (_, id) => `${id} is restored. Next: signalbox tokens create --role agent --agent ${id}`,
  ).addHelpText("after", "\nThe restored agent is offline and has no token.");
}

function addRegister(program: CliCommand): void {
  program
    .sub("register", "Register an agent, or change its registration", "Agents and tokens:")
    .argument("<id>", "the agent's id")
    .option("--name <name>", "its name for people (default: the id)")
    .choice("--kind <kind>", "the kind of agent", ["provider", "channel"])
    .option("--label <label>", "the group label:<label>")
    .option("--role <text>", "its role")
    .option("--description <text>", "its purpose, for other agents")
    .option("--tag <tag>", "the group tag:<tag>; repeatable", collect)
    .option("--capability <capability>", "the group cap:<capability>; repeatable", collect)
    .option("--machine <host>", "the machine that it runs on")
    .option("--rig <rig>", "the harness it runs in: Claude Code, Codex, ...")
    .option(
      "--channel <json>",
      "of a channel agent: provider, accountId, displayName, direction, topics, target",
      channelInfo,
    )
    .option("--meta <json>", "anything else, as a JSON object", jsonValue)
    .option("--ready", "let it claim work")
    .option("--no-ready", "let it claim no work for now")
    .example("register builder --tag ci --capability build --machine $(hostname)")
    .act(async ({ client, out }, id: string, options: RegisterOptions) => {
      const { tag: tags, capability: capabilities, name = id, ...rest } = options;
      const agent = await client.agents.register(id, { name, ...rest, tags, capabilities });
      await out.show(agent, () => fieldsText(agent, out));
    });
}

function channelInfo(value: string): ChannelInfo {
  const parsed = ChannelInfo.safeParse(jsonValue(value));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InvalidArgumentError(`${issue?.path.join(".") ?? ""} ${issue?.message ?? "is not acceptable"}`.trim());
}

function addList(agents: CliCommand): void {
  addWholeList(agents, "List the agents", {
    read: (client, query: QueryOf<typeof client.agents.list>) => client.agents.list(query),
    head: AGENT_HEAD,
    row: agentRow,
  })
    .choice("--kind <kind>", "of this kind", AgentKind.options)
    .choice("--status <status>", "with this status", AgentStatus.options)
    .option("--tag <tag>", "with this tag")
    .option("--capability <capability>", "with this capability")
    .option("--label <label>", "with this label")
    .option("--machine <host>", "on this machine")
    .option("--project <project>", "with a live session or a recent run in this project")
    .example("agents list --status online");
}
