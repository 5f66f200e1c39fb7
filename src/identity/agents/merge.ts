import { AgentId } from "../../protocol/agent-ids.ts";
import type { AgentPatch, AgentRegistration } from "../../protocol/agents.ts";
import { Problem } from "../../protocol/problem.ts";
import { channelClues, guessKind, providerTag, topicsIn } from "./guess.ts";
import type { AgentRow } from "./row.ts";

/** Row of a new agent, before its registration is applied. */
export function blankAgent(id: string, name: string, now: number, head: number): AgentRow {
  return {
    id,
    name,
    kind: "provider",
    label: null,
    role: null,
    description: null,
    skills: [],
    tags: [],
    capabilities: [],
    machine: null,
    rig: null,
    status: "online",
    ready: true,
    reach: "asked",
    instanceId: null,
    epoch: 0,
    channel: null,
    meta: null,
    cursor: head,
    ackedAt: null,
    lastSeenAt: now,
    createdAt: now,
    deletedAt: null,
    deletedBy: null,
  };
}

/** Fields left out stay; `null` and `[]` clear. */
export function applyPatch(row: AgentRow, patch: AgentPatch): AgentRow {
  const given = Object.entries(patch).filter(([, value]) => value !== undefined);
  return { ...row, ...Object.fromEntries(given) } as AgentRow;
}

/** Applies a registration to a row. @throws Problem 409, 422 where it contradicts its kind or its id. */
export function applyRegistration(row: AgentRow, body: AgentRegistration, isNew: boolean): AgentRow {
  const { kind, instanceId: _, name, ...patch } = body;
  const merged = applyPatch({ ...row, name }, patch);
  if (isNew) merged.kind = kind ?? guessKind(merged);
  else if (kind !== undefined && kind !== row.kind)
    throw new Problem("conflict", `${row.id} is a ${row.kind}; the kind of an agent does not change.`);
  // Topics in meta replace earlier ones when the registration has no channel.
  if (merged.channel && !patch.channel && patch.meta) merged.channel = { ...merged.channel, ...topicsIn(patch.meta) };
  if (merged.kind === "channel") return withChannel(merged);
  if (merged.channel)
    throw Problem.invalid("/channel", `belongs to agents of kind channel; ${row.id} is a ${merged.kind}`);
  if (row.id.includes(":"))
    throw Problem.invalid("id", "only a channel agent's id has a colon: say kind channel, or choose another id");
  const tag = merged.kind === "provider" ? providerTag(merged) : undefined;
  if (tag && !merged.tags.includes(tag)) merged.tags = [...merged.tags, tag];
  return merged;
}

const RESERVED_PROVIDER = /^(label|tag|cap|orchestrator|user|system|broadcast)$/;

function withChannel(row: AgentRow): AgentRow {
  const channel = channelClues(row);
  if (!channel)
    throw Problem.invalid(
      "/channel",
      "say channel { provider, accountId }: a channel agent's id is provider:accountId",
    );
  if (RESERVED_PROVIDER.test(channel.provider))
    throw Problem.invalid("/channel/provider", `${channel.provider} is reserved`);
  const id = `${channel.provider}:${channel.accountId}`;
  if (!AgentId.safeParse(id).success)
    throw Problem.invalid(
      "/channel/accountId",
      `${id} is no id: the account has letters, digits and . _ @ + -, the provider lower-case letters, digits and . _ -`,
    );
  if (row.id !== id)
    throw Problem.invalid("id", `is ${row.id}, but the channel agent for that provider and account is ${id}`);
  return {
    ...row,
    channel: {
      ...channel,
      displayName: channel.displayName ?? row.name,
      transport: channel.transport ?? channel.provider,
    },
  };
}
