import { A2A_PROTOCOL_VERSION, AgentCard } from "@a2a-js/sdk";
import type { Agent } from "../../protocol/agents.ts";
import { VERSION } from "../../version.ts";

/** Most agents that the relay's extended card names. */
export const MAX_NAMED = 200;
const TEXT_MODES = ["text/plain", "application/json"];

/** Common part of the relay's cards. */
function card(name: string, description: string, url: string): AgentCard {
  const at = (protocolBinding: string) => ({
    url,
    protocolBinding,
    tenant: "",
    protocolVersion: A2A_PROTOCOL_VERSION,
  });
  return {
    name,
    description,
    supportedInterfaces: [at("JSONRPC"), at("HTTP+JSON")],
    provider: undefined,
    version: VERSION,
    capabilities: { streaming: true, pushNotifications: true, extendedAgentCard: false, extensions: [] },
    securitySchemes: { bearer: { scheme: { $case: "httpAuthSecurityScheme", value: BEARER } } },
    securityRequirements: [{ schemes: { bearer: { list: [] } } }],
    defaultInputModes: TEXT_MODES,
    defaultOutputModes: TEXT_MODES,
    skills: [],
    signatures: [],
  };
}

const BEARER = { scheme: "Bearer", bearerFormat: "", description: "A token of this relay." };

/** An agent's public card, without its groups, and without the place and way it runs. */
export function agentCard(agent: Agent, base: string): AgentCard {
  const url = `${base}/a2a/${encodeURIComponent(agent.id)}`;
  const description = agent.description ?? `${agent.name}, an agent behind a Signalbox relay.`;
  const skills = agent.skills.map((one, index) => skill(`${index + 1}`, one.name, one.description, []));
  return {
    ...card(agent.name, description, url),
    skills: skills.length ? skills : [skill("answer", "Answers", "Takes a request in words, and answers it.", [])],
  };
}

const ROUTES =
  "A relay of agents. Name the recipient as `tenant`: an agent's id, or a group (tag:…, cap:…, label:…), whose first taker " +
  "works on it.";

/** The relay's own card. The extended card, for bearers of a token, names its agents. */
export function relayCard(base: string): AgentCard {
  const plain = card("Signalbox", ROUTES, `${base}/a2a`);
  return {
    ...plain,
    capabilities: { streaming: true, pushNotifications: true, extendedAgentCard: true, extensions: [] },
    skills: [skill("route", "Routes requests", "Brings a request to an agent or a group, and its answer back.", [])],
  };
}

export function extendedRelayCard(base: string, agents: readonly Agent[]): AgentCard {
  const plain = relayCard(base);
  const named = agents.map((agent) =>
    skill(agent.id, agent.name, agent.description ?? agent.role ?? agent.name, [...agent.tags, ...agent.capabilities]),
  );
  return { ...plain, skills: [...plain.skills, ...named] };
}

const skill = (id: string, name: string, description: string, tags: string[]) => ({
  ...{ id, name, description, tags: tags.length ? tags : ["agent"] },
  ...{ examples: [], inputModes: [], outputModes: [], securityRequirements: [] },
});

/** A card as JSON. */
export const cardJson = (made: AgentCard): string => JSON.stringify(AgentCard.toJSON(made));
