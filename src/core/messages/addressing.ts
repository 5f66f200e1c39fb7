import type { AgentFacts } from "../../identity/agents/row.ts";
import { formatTarget, type ProviderTarget, parseTarget, type Target } from "../../identity/agents/target.ts";
import type { ManagedAgent } from "../../identity/orchestrators/provider-agents.ts";
import type { ReadTx } from "../../kernel/db/database.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Base } from "../base.ts";
import type { Addressed, Asks, Author } from "./draft.ts";

/** Resolves the target of a draft, and checks that the target takes such a draft. */
export function createAddressing(base: Base) {
  const { hooks } = base.kernel;
  const { agents, directory, orchestrators } = base.identity;
  const { providers } = orchestrators;
  const { names } = base.options;
  /** Stored form of a message to an agent. @throws Problem 422 when its target does not take it */
  const shape = hooks.question<[author: Author, draft: ParsedDraft, target: AgentFacts], ParsedDraft>("messages.shape");
  /** Asked when a message is planned and when it is appended. @throws Problem 422 when its sender may not send it */
  const check = hooks.question<[author: Author, draft: ParsedDraft], never>("messages.check");
  /**
   * Rules for a message to an agent that an orchestrator runs. No answer: it goes there without asking.
   * @throws Problem 403, 409 for a sender that may not start the agent, where it is not running
   */
  const spawning = hooks.question<[author: Author, draft: ParsedDraft, to: ManagedAgent], Asks>("messages.spawning");
  /** Members of a group that a message does not start. */
  const withholding = hooks.question<[author: Author, draft: ParsedDraft, group: string], readonly string[]>(
    "messages.withholding",
  );

  /**
   * `isAllowed`: a person has allowed the spawn that it makes.
   * @throws Problem 403, 409 for an agent that it may not start; 422 for an unknown target, for work that no member could claim, or
   * for a file of another agent
   */
  async function address(
    on: ReadTx,
    author: Author,
    draft: ParsedDraft,
    { isAllowed = false } = {},
  ): Promise<Addressed> {
    const found = await lookUp(on, author, draft);
    const addressed = isAllowed ? { ...found, asks: undefined } : found;
    const refusing = check.all(on, author, addressed.draft);
    if (refusing instanceof Promise) await refusing;
    return addressed;
  }

  async function lookUp(on: ReadTx, author: Author, draft: ParsedDraft): Promise<Addressed> {
    const parsed = parseTarget(draft.to);
    if (!parsed) throw unknownTarget(draft.to);
    if (parsed.kind === "provider") return toProvider(on, author, draft, parsed);
    const target = parsed.kind === "channel" ? await named(on, parsed.name) : parsed;
    const name = formatTarget(target);
    if (target.kind === "group") {
      const matched = await othersIn(on, name, author.id);
      const suggestions = matched === 0 ? agents.suggest(name, await directory.groupNames(on)) : undefined;
      const withheld = providers.areAny() ? await withholding.first(on, author, draft, name) : undefined;
      return { draft, author, target: name, matched, suggestions, withheld };
    }
    const facts = await directory.facts(on, target.id);
    if (!facts) throw unknownTarget(draft.to);
    if (facts.deletedAt !== null)
      throw unknownTarget(
        draft.to,
        undefined,
        `${facts.id} was deleted: nothing reaches it unless an operator restores it.`,
      );
    return toOne(on, author, draft, facts);
  }

  /** Members of a group now, without the sender, which does not receive its own group messages. */
  async function othersIn(on: ReadTx, group: string, senderId: string): Promise<number> {
    const all = await directory.members(on, group);
    return all > 0 && directory.targetsNow(on, senderId).includes(group) ? all - 1 : all;
  }

  /** @throws Problem 403, 409 for an agent that it may not start; 422 when its target does not take it */
  async function toOne(on: ReadTx, author: Author, draft: ParsedDraft, to: AgentFacts): Promise<Addressed> {
    const addressed = await toAgent(on, author, draft, to);
    const managed = providers.isManaged(to.id) ? await providers.of(on, to.id) : undefined;
    return managed ? { ...addressed, asks: await spawning.first(on, author, draft, managed) } : addressed;
  }

  /** @throws Problem 422 when its target does not take it */
  async function toAgent(on: ReadTx, author: Author, draft: ParsedDraft, to: AgentFacts): Promise<Addressed> {
    checkClaimable(draft, to);
    const shaping = shape.first(on, author, draft, to);
    const shaped = shaping && (await shaping);
    return { draft: shaped ?? draft, author, target: to.id, matched: 1 };
  }

  /** @throws Problem 403, 409, 422 */
  async function toProvider(on: ReadTx, author: Author, draft: ParsedDraft, named: ProviderTarget): Promise<Addressed> {
    const provider = await providers.find(on, named);
    const asks = await spawning.first(on, author, draft, provider);
    const { agentId, facts } = provider;
    if (facts) return { ...(await toAgent(on, author, draft, facts)), provider, asks };
    checkClaimable(draft, { kind: "provider" });
    return { draft, author, target: agentId, matched: 1, provider, asks };
  }

  /** The agent that `@name` means. @throws Problem 422 for an unknown name, which never falls back to another agent */
  async function named(on: ReadTx, name: string): Promise<Extract<Target, { kind: "agent" }>> {
    const id = await names.find(on, name);
    if (id !== undefined) return { kind: "agent", id };
    throw unknownTarget(
      `@${name}`,
      (await names.names(on)).map((known) => `@${known}`),
    );
  }

  function unknownTarget(name: string, among?: string[], detail = `Nobody is called ${name}.`): Problem {
    return new Problem("unknown-target", detail, {
      errors: [{ pointer: "/to", message: "is not a registered agent or a group" }],
      suggestions: agents.suggest(name, among),
    });
  }

  return {
    address,
    toOne,
    shape,
    check,
    spawning,
    withholding,
  };
}

/** Refuses `claimable` where no agent could claim the message; it is never dropped silently. */
function checkClaimable(draft: ParsedDraft, target: Pick<AgentFacts, "kind">): void {
  if (!draft.claimable) return;
  if (target.kind === "system") throw notClaimable("system claims nothing");
  const kind = draft.kind ?? "task";
  if (kind !== "task" && kind !== "system" && kind !== "channel.event")
    throw notClaimable(`a ${kind} for one agent is not work; leave kind out, or send it to a group`);
}

function notClaimable(why: string): Problem {
  return new Problem("not-claimable", `This message cannot be claimed: ${why}.`, {
    errors: [{ pointer: "/claimable", message: why }],
  });
}

/** A spawn that nothing but plain messages, delegations and commands wait for. */
export const unasked = (agentId: string): Problem =>
  new Problem(
    "forbidden",
    `A person has to allow the spawn of ${agentId} first. Send it a plain message or a delegation, or its orchestrator a command: these wait for that.`,
  );
