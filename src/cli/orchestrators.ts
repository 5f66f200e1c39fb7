import { type Command, Option } from "commander";
import { everyItem } from "../client/client.ts";
import { type ManagedAgent, type Orchestrator, OrchestratorStatus } from "../protocol/orchestrators.ts";
import { contextOf } from "./context.ts";
import type { Output } from "./output.ts";
import { safeLine } from "./screen.ts";
import { fieldsText, timeText } from "./show.ts";

export function addOrchestratorCommands(program: Command): void {
  const orchestrators = program
    .command("orchestrators")
    .description("See and drain the daemons that start agents")
    .helpGroup("Agents and tokens:");
  addList(orchestrators);
  orchestrators
    .command("show")
    .description("Show one, and the agents that it runs")
    .argument("<id>", "the orchestrator")
    .addHelpText("after", "\nExample:\n  $ signalbox orchestrators show build-host")
    .action(async (id: string, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      const found = await client.orchestrators.get(id);
      await out.show(found, () => shownText(found, out));
    });
  addStatus(orchestrators, "drain", "draining", "Let it finish what it runs, and start nothing new");
  addStatus(orchestrators, "resume", "online", "Let it start agents again");
  orchestrators
    .command("rm")
    .alias("remove")
    .description("Delete one, with its agent and its token")
    .argument("<id>", "the orchestrator")
    .addHelpText("after", "\nExample:\n  $ signalbox orchestrators rm build-host")
    .action(async (id: string, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      await client.orchestrators.delete(id);
      await out.show({ deleted: id }, () => `${safeLine(id)} is deleted`);
    });
}

function addList(orchestrators: Command): void {
  orchestrators
    .command("list")
    .description("List them")
    .addOption(new Option("--status <status>", "with this status").choices(OrchestratorStatus.options))
    .option("--hostname <name>", "on this machine")
    .addHelpText("after", "\nExample:\n  $ signalbox orchestrators list --status online")
    .action(async (options: { status?: OrchestratorStatus; hostname?: string }, command: Command) => {
      const { client, out } = contextOf(command);
      const { status, hostname } = options;
      const items: Orchestrator[] = [];
      for await (const one of everyItem((page) => client.orchestrators.list({ status, hostname, limit: 500, page })))
        items.push(one);
      await out.show({ items }, () =>
        items.length ? out.table(HEAD, items.map(rowOf)) : "There are no orchestrators",
      );
    });
}

function addStatus(orchestrators: Command, name: string, status: OrchestratorStatus, about: string): void {
  orchestrators
    .command(name)
    .description(about)
    .argument("<id>", "the orchestrator")
    .addHelpText("after", `\nExample:\n  $ signalbox orchestrators ${name} build-host`)
    .action(async (id: string, _: object, command: Command) => {
      const { client, out } = contextOf(command);
      const changed = await client.orchestrators.patch(id, { status });
      await out.show(changed, () => `${safeLine(id)} is ${changed.status}`);
    });
}

const HEAD = ["ORCHESTRATOR", "STATUS", "MACHINE", "AGENTS", "LAST SEEN", "PROVIDERS"];
const rowOf = ({ id, status, hostname, managedAgents, lastSeenAt, providers }: Orchestrator): string[] => [
  ...[id, status, hostname, String(managedAgents.length), timeText(lastSeenAt)],
  providers.map(({ name, version }) => (version ? `${name} ${version}` : name)).join(", "),
];

const MANAGED_HEAD = ["AGENT", "PROVIDER", "STATE", "PID", "SINCE", "SESSION"];
const managedRow = ({ agentId, provider, state, pid, startedAt, sessionId }: ManagedAgent): string[] => [
  ...[agentId, provider, state, pid === null ? "-" : String(pid), timeText(startedAt), sessionId ?? "-"],
];

function shownText({ managedAgents, providers, ...rest }: Orchestrator, out: Output): string {
  const fields = fieldsText({ ...rest, providers: providers.map(({ name }) => name) }, out);
  return managedAgents.length ? `${fields}\n\n${out.table(MANAGED_HEAD, managedAgents.map(managedRow))}` : fields;
}
