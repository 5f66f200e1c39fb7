import { AgentId } from "../../protocol/agent-ids.ts";

/** Whom a message is for. Parsed once, at the edge. */
export type Target =
  | { kind: "agent"; id: string }
  | { kind: "group"; group: string }
  | { kind: "channel"; name: string }
  | ProviderTarget;

/** `orchestrator:<id>/<provider>`: the agent of that provider there, by the orchestrator's prefix. */
export interface ProviderTarget {
  kind: "provider";
  orchestratorId: string;
  provider: string;
}

const PROVIDER = /^orchestrator:([^/]+)\/(.+)$/s;
const GROUP = /^(label|tag|cap):(.+)$/s;

/** @returns undefined when the text names nothing that could be a target. */
export function parseTarget(text: string): Target | undefined {
  if (text === "broadcast" || GROUP.test(text)) return { kind: "group", group: text };
  if (text.startsWith("@")) return text.length > 1 ? { kind: "channel", name: text.slice(1) } : undefined;
  const [, orchestratorId, provider] = PROVIDER.exec(text) ?? [];
  if (orchestratorId !== undefined && provider !== undefined) return { kind: "provider", orchestratorId, provider };
  const id = text.startsWith("orchestrator:") ? `orchestrator-${text.slice("orchestrator:".length)}` : text;
  return AgentId.safeParse(id).success ? { kind: "agent", id } : undefined;
}

/** The one way a target is written in the log and in memberships, where its agent has been found. */
export function formatTarget(target: Target): string {
  if (target.kind === "agent") return target.id;
  if (target.kind === "provider") return `orchestrator:${target.orchestratorId}/${target.provider}`;
  return target.kind === "group" ? target.group : `@${target.name}`;
}

/** Whether a stored target means several agents. */
export const isGroup = (target: string): boolean => target === "broadcast" || GROUP.test(target);

/** The groups an agent with these fields belongs to; every provider and orchestrator is in `broadcast`. */
export function groupsOf(agent: {
  kind: string;
  label: string | null;
  tags: string[];
  capabilities: string[];
}): string[] {
  if (agent.kind !== "provider" && agent.kind !== "orchestrator") return [];
  return [
    "broadcast",
    ...(agent.label === null ? [] : [`label:${agent.label}`]),
    ...agent.tags.map((tag) => `tag:${tag}`),
    ...agent.capabilities.map((capability) => `cap:${capability}`),
  ];
}
