import type { AgentFacts } from "../../identity/agents/row.ts";
import { formatTarget, type ProviderTarget, parseTarget } from "../../identity/agents/target.ts";
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
    const looking = lookUp(on, author, draft);
    const found = looking instanceof Promise ? await looking : looking;
    const addressed = isAllowed ? { ...found, asks: undefined } : found;
    const refusing = check.all(on, author, addressed.draft);
    if (refusing instanceof Promise) await refusing;
    return addressed;
  }

  function lookUp(on: ReadTx, author: Author, draft: ParsedDraft): Promise<Addressed> | Addressed {
    const target = parseTarget(draft.to);
    if (!target) throw unknownTarget(draft.to);
    if (target.kind === "provider") return toProvider(on, author, draft, target);
    if (target.kind === "channel") return named(on, target.name).then((id) => toId(on, author, draft, id));
    if (target.kind === "group") return toGroup(on, author, draft, formatTarget(target));
    return toId(on, author, draft, target.id);
  }

  async function toGroup(on: ReadTx, author: Author, draft: ParsedDraft, name: string): Promise<Addressed> {
    const matched = othersIn(on, name, author.id);
    const suggestions = matched === 0 ? agents.suggest(name, await directory.groupNames(on)) : undefined;
    const withheld = providers.areAny() ? await withholding.first(on, author, draft, name) : undefined;
    return { draft, author, target: name, matched, suggestions, withheld };
  }

  function toId(on: ReadTx, author: Author, draft: ParsedDraft, id: string): Promise<Addressed> | Addressed {
    const facts = directory.facts(on, id);
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
  function othersIn(on: ReadTx, group: string, senderId: string): number {
    const all = directory.members(on, group);
    return all > 0 && directory.targetsNow(on, senderId).includes(group) ? all - 1 : all;
  }

  /** @throws Problem 403, 409 for an agent that it may not start; 422 when its target does not take it */
  function toOne(on: ReadTx, author: Author, draft: ParsedDraft, to: AgentFacts): Promise<Addressed> | Addressed {
    const addressed = toAgent(on, author, draft, to);
    return providers.isManaged(to.id) ? toManaged(on, author, draft, addressed) : addressed;
  }

  async function toManaged(
    on: ReadTx,
    author: Author,
    draft: ParsedDraft,
    shaping: Promise<Addressed> | Addressed,
  ): Promise<Addressed> {
    const addressed = await shaping;
    const managed = await providers.of(on, addressed.target);
    return managed ? { ...addressed, asks: await spawning.first(on, author, draft, managed) } : addressed;
  }

  /** @throws Problem 422 when its target does not take it */
  function toAgent(on: ReadTx, author: Author, draft: ParsedDraft, to: AgentFacts): Promise<Addressed> | Addressed {
    checkClaimable(draft, to);
    const as = (shaped: ParsedDraft): Addressed => ({ draft: shaped, author, target: to.id, matched: 1 });
    const shaping = shape.first(on, author, draft, to);
    return shaping ? shaping.then((shaped) => as(shaped ?? draft)) : as(draft);
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
  async function named(on: ReadTx, name: string): Promise<string> {
    const id = await names.find(on, name);
    if (id !== undefined) return id;
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

/** A spawn by something that does not wait for a person. */
export const unasked = (agentId: string): Problem =>
  new Problem(
    "forbidden",
    `A person has to allow the spawn of ${agentId} first. Send it a message, a task, a delegation or a run of its own: these wait for that.`,
  );
