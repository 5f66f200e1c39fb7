import type { Client } from "../client/client.ts";
import { type ManagedAgent, type Orchestrator, OrchestratorStatus } from "../protocol/orchestrators.ts";
import { addWholeList, type CliCommand, idCommands, type QueryOf } from "./commands.ts";
import type { Output } from "./output.ts";
import { safeLine } from "./screen.ts";
import { fieldsText, timeText } from "./show.ts";

/** Daemons that start agents. */
export function addOrchestratorCommands(program: CliCommand): void {
  const orchestrators = program
    .sub("orchestrators", "See and drain the daemons that start agents")
    .helpGroup("Agents and tokens:");
  const add = idCommands(orchestrators, { about: "the orchestrator", example: "build-host" });
  addList(orchestrators);
  add(
    "show",
    "Show an orchestrator, and the agents that it runs",
    ({ orchestrators }, id) => orchestrators.get(id),
    (orchestrator, _, out) => detailText(orchestrator, out),
  );
  const state = ({ status }: Orchestrator, id: string) => `${id} is ${status}`;
  const setTo = (status: OrchestratorStatus) => (client: Client, id: string) =>
    client.orchestrators.patch(id, { status });
  add("drain", "Let it finish what it runs, and start nothing new", setTo("draining"), state);
  add("resume", "Let it start agents again", setTo("online"), state);
  orchestrators
    .sub("spawners", "Say which agents may start agents there: those named, and no others")
    .argument("<id>", "the orchestrator")
    .argument("[agents...]", "ids, or beginnings of ids with a * at the end; none lets no agent")
    .example("orchestrators spawners build-host desk-claude 'review-*'")
    .act(async ({ client, out }, id: string, spawners: string[]) => {
      const changed = await client.orchestrators.patch(id, { spawners });
      const who = changed.spawners.join(", ") || "no agents";
      await out.show(changed, () => safeLine(`${id} lets these start agents: ${who}`));
    });
  add(
    "rm",
    "Delete an orchestrator, with its agent and its token",
    ({ orchestrators }, id) => orchestrators.delete(id).then(() => ({ deleted: id })),
    (_, id) => `${id} is deleted`,
  ).alias("remove");
}

function addList(orchestrators: CliCommand): void {
  addWholeList(orchestrators, "List the orchestrators", {
    read: (client, query: QueryOf<typeof client.orchestrators.list>) => client.orchestrators.list(query),
    none: "There are no orchestrators",
    head: ["ORCHESTRATOR", "STATUS", "MACHINE", "AGENTS", "LAST SEEN", "PROVIDERS"],
    row: ({ id, status, hostname, managedAgents, lastSeenAt, providers }: Orchestrator) => [
      ...[id, status, hostname, String(managedAgents.length), timeText(lastSeenAt)],
      providers.map(({ name, version }) => (version ? `${name} ${version}` : name)).join(", "),
    ],
  })
    .choice("--status <status>", "with this status", OrchestratorStatus.options)
    .option("--hostname <name>", "on this machine")
    .option("--project <project>", "with a live session in this project")
    .example("orchestrators list --status online");
}

const MANAGED_HEAD = ["AGENT", "PROVIDER", "STATE", "PID", "SINCE", "SESSION"];
const managedRow = ({ agentId, provider, state, pid, startedAt, sessionId }: ManagedAgent): string[] => [
  ...[agentId, provider, state, pid === null ? "-" : String(pid), timeText(startedAt), sessionId ?? "-"],
];

function detailText({ managedAgents, providers, ...rest }: Orchestrator, out: Output): string {
  const fields = fieldsText({ ...rest, providers: providers.map(({ name }) => name) }, out);
  return managedAgents.length ? `${fields}\n\n${out.table(MANAGED_HEAD, managedAgents.map(managedRow))}` : fields;
}
