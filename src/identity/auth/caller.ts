import type { AgentId, InstanceId, TokenId } from "../../protocol/ids.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Role } from "../../protocol/tokens.ts";

/** Identity and rights of a token. */
export interface Principal {
  tokenId: TokenId;
  role: Role;
  /** Agent that it acts for; `user` for operators and members, null for viewers, enrollers and integrations. */
  agentId: AgentId | null;
  /** Patterns of the groups it may join; null means all. */
  groups: readonly string[] | null;
  /** Prefix of ids that it may enroll. */
  prefix: string | null;
  /** The integration whose events it may post. */
  source: string | null;
  /** Person that the token belongs to. */
  personId: string | null;
  /** Session that the token was made for: another program acknowledges for its agent. */
  sessionId?: string | null;
  /** A browser's sign-in, shown as a cookie. */
  signIn?: boolean;
  /** Agents that an orchestrator has enrolled: it acts for them too. */
  enrolled?: ReadonlySet<AgentId>;
}

/** A call: its principal, and the instance it names. */
export interface Caller extends Principal {
  instanceId: InstanceId | null;
  requestId: string;
}

/**
 * Agent that a call acts for: the token's own, or the one named by an operator, or by the orchestrator that enrolled it.
 * @throws Problem 403
 */
export function actingAs(caller: Principal, requested?: string): string {
  if (caller.role === "operator") return requested ?? "user";
  if (caller.role === "member") return asMember(requested);
  if (!isAgent(caller)) throw new Problem("forbidden", `A token with role ${caller.role} cannot act for an agent.`);
  if (requested !== undefined && requested !== caller.agentId && !hasEnrolled(caller, requested))
    throw new Problem("forbidden", `This token acts for ${caller.agentId} alone, not for ${requested}.`);
  return requested ?? caller.agentId;
}

/** Whether an orchestrator calls that has enrolled this agent, under its prefix. */
export const hasEnrolled = ({ role, prefix, enrolled }: Principal, agentId: AgentId): boolean =>
  role === "orchestrator" && prefix !== null && agentId.startsWith(prefix) && enrolled?.has(agentId) === true;

/** Whether a call is this agent's: by its own token, or by its orchestrator's. */
export const standsFor = (caller: Principal, agentId: AgentId): boolean =>
  caller.agentId === agentId || hasEnrolled(caller, agentId);

/** Whether a token with these rights acts for an agent; null is one that has ended. */
export const mayActAs = (left: Principal | null, agentId: AgentId): boolean =>
  left !== null && (left.role === "operator" || standsFor(left, agentId));

/**
 * Agent that a call acts for when it names none, on what a holder holds: the holder, for its orchestrator and for an
 * operator; else the token's own. @throws Problem 403
 */
export const actingFor = (caller: Principal, holder: AgentId | null | undefined): string =>
  actingAs(caller, holder != null && (caller.role === "operator" || hasEnrolled(caller, holder)) ? holder : undefined);

/** Agents whose mail a call may read: its own, and those that its orchestrator has enrolled. @throws Problem 403 */
export function* readersOf(caller: Principal): Generator<AgentId> {
  yield actingAs(caller);
  for (const agentId of caller.enrolled ?? []) if (hasEnrolled(caller, agentId)) yield agentId;
}

function asMember(requested = "user"): string {
  if (requested === "user") return requested;
  throw new Problem("forbidden", `A member acts as user alone, not for ${requested}. Ask an operator.`);
}

/** Whether a person's token calls that writes at `user`: an operator's or a member's. */
export const isPerson = (caller: Pick<Principal, "role">): boolean =>
  caller.role === "operator" || caller.role === "member";

/** The token to record beside what a call does in an agent's name: an operator's, unless it acts as `user`. */
export const viaOf = (caller: Principal, agentId: string): TokenId | null =>
  caller.role === "operator" && agentId !== "user" ? caller.tokenId : null;

/** Columns of what a call writes in an agent's name: the token of an operator, and the person that it belongs to. */
export const signedBy = (caller: Principal, agentId: string): { via: TokenId | null; person: string | null } => ({
  via: viaOf(caller, agentId),
  person: caller.personId,
});

/** Whether a token acts for an agent of its own (an orchestrator's is the orchestrator's agent), and for no other. */
export const isAgent = (caller: Principal): caller is Principal & { agentId: string } =>
  (caller.role === "agent" || caller.role === "orchestrator") && caller.agentId !== null;

/** Whether a token registers new agents under its prefix, each of which gets a token of its own. */
export const enrolls = (caller: Principal, id: string): boolean =>
  (caller.role === "enroll" || caller.role === "orchestrator") && id !== caller.agentId;

/** Whether the caller sees everything, not only what concerns its own agent. */
export function readsAll(caller: Principal): boolean {
  return caller.role === "operator" || caller.role === "member" || caller.role === "viewer";
}

/** @throws Problem 403 unless the caller may look at this agent's inbox. */
export function requireReader(caller: Principal, agentId: string): void {
  if (readsAll(caller)) return;
  actingAs(caller, agentId);
}

/** @throws Problem 403 unless the caller is an operator. */
export function requireOperator(caller: Principal): void {
  if (caller.role !== "operator") throw new Problem("forbidden", "Only an operator may do that.");
}

/** Agent whose messages a call may see; null for all. @throws Problem 403 for tokens that read nothing. */
export function readingAs(caller: Principal): string | null {
  return readsAll(caller) ? null : actingAs(caller);
}

/**
 * Whether the caller may put the agent into a group: patterns are `tag:review`, `label:team-*`, `*`. An enrolled agent joins
 * none, and an orchestrator only those that its token names.
 */
export function mayJoin(caller: Principal, agentId: string, group: string): boolean {
  if (caller.role === "operator") return true;
  if (enrolls(caller, agentId)) return false;
  if (caller.groups === null) return caller.role !== "orchestrator";
  return caller.groups.some((pattern) =>
    pattern.endsWith("*") ? group.startsWith(pattern.slice(0, -1)) : pattern === group,
  );
}
