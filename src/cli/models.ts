import { everyItem } from "../client/client.ts";
import type { Model } from "../protocol/models.ts";
import type { CliCommand } from "./commands.ts";

/** Models that agents can be told to use. */
export function addModelsCommand(program: CliCommand): void {
  program
    .sub("models", "List the models of all agents, with the agents that have each", "Agents and tokens:")
    .option("--agent <agent>", "of this agent")
    .example("models", "models --agent builder")
    .act(async ({ client, out }, { agent }: { agent?: string }) => {
      const items = await Array.fromAsync(everyItem((page) => client.models.list({ agent, limit: 500, page })));
      await out.show({ items, nextPage: null }, () =>
        items.length === 0
          ? "No agent has told its models"
          : `${out.table(["MODEL", "NAME", "PROVIDER", "AGENTS"], items.map(rowOf))}\n${out.paint("dim", "*: the agent's default")}`,
      );
    });
}

function rowOf({ id, name, provider, agents, agentCount }: Model): string[] {
  const more = agentCount > agents.length ? ` and ${agentCount - agents.length} more` : "";
  const names = agents.map(({ agentId, isDefault }) => (isDefault ? `${agentId}*` : agentId));
  return [id, name, provider ?? "", `${names.join(", ")}${more}`];
}
