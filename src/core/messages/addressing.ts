import type { AgentService } from "../../identity/agents/service.ts";
import type { AgentFacts, AgentStore } from "../../identity/agents/store.ts";
import type { MemberStore } from "../../identity/agents/store-members.ts";
import { formatTarget, parseTarget, type Target } from "../../identity/agents/target.ts";
import type { Reading } from "../../kernel/db/database.ts";
import type { ParsedDraft, RoutedBy } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { Author } from "./send.ts";

export interface AddressingParts {
  agents: Pick<AgentService, "suggest">;
  agentStore: AgentStore;
  members: MemberStore;
  headOf(on: Reading): number;
}

/** A message whose target was looked up: ready to be appended. */
export interface Addressed {
  draft: ParsedDraft;
  author: Author;
  target: string;
  matched: number;
  /** For a group without members, the nearest groups with some. */
  suggestions?: string[] | undefined;
  /** Hash of the request, when it has an idempotency key. */
  fingerprint?: string | undefined;
  /** The binding that routed it there. */
  route?: RoutedBy | null | undefined;
  /** Nothing said before is why it is sent: it begins a chain of its own. */
  isRoot?: boolean | undefined;
  /** Set on a message that ends work or a request: it is never held back. */
  settles?: boolean | undefined;
  /** Set by a feature that handles its end and tells its sender: no expiry notice is sent. */
  owed?: boolean | undefined;
}

/**
 * Requirements on a message to an agent of one kind, and its form in the log.
 * @throws Problem 422 when it cannot be sent there as it is
 */
export type Shaper = (on: Reading, author: Author, draft: ParsedDraft, target: AgentFacts) => Promise<ParsedDraft>;

/** Looked at when a message is planned and when it is appended. @throws Problem 422 when its sender may not send it */
export type DraftCheck = (on: Reading, author: Author, draft: ParsedDraft) => Promise<void>;

/** The agent that `@name` stands for, or undefined; `names` are what it could have meant. */
export interface NameBook {
  find(on: Reading, name: string): Promise<string | undefined>;
  names(on: Reading): Promise<string[]>;
}

/** Looks up the target of a draft, and whether it may be sent there as it is. */
export function createAddressing({ agents, agentStore, members, headOf }: AddressingParts) {
  const checks: DraftCheck[] = [];
  const shapers = new Map<AgentFacts["kind"], Shaper>();
  let nameBook: NameBook | undefined;

  /** @throws Problem 422 when nobody goes by that name, nobody there could claim it, or it carries another's file. */
  async function address(on: Reading, author: Author, draft: ParsedDraft): Promise<Addressed> {
    const addressed = await lookUp(on, author, draft);
    for (const check of checks) await check(on, author, addressed.draft);
    return addressed;
  }

  async function lookUp(on: Reading, author: Author, draft: ParsedDraft): Promise<Addressed> {
    const parsed = parseTarget(draft.to);
    if (!parsed) throw unknownTarget(draft.to);
    const target = parsed.kind === "channel" ? await named(on, parsed.name) : parsed;
    const name = formatTarget(target);
    if (target.kind === "group") {
      const matched = await othersIn(on, name, author.id);
      const suggestions = matched === 0 ? agents.suggest(name, await agentStore.groupNames(on)) : undefined;
      return { draft, author, target: name, matched, suggestions };
    }
    const facts = await agentStore.facts(on, target.id);
    if (!facts) throw unknownTarget(draft.to);
    if (facts.deletedAt !== null)
      throw unknownTarget(
        draft.to,
        undefined,
        `${facts.id} was deleted: nothing reaches it unless an operator restores it.`,
      );
    return toOne(on, author, draft, facts);
  }

  /** Members of a group now, without the sender: its own message does not come to it. */
  async function othersIn(on: Reading, group: string, senderId: string): Promise<number> {
    const all = await agentStore.members(on, group);
    return all > 0 && (await members.memberAt(on, senderId, group, headOf(on) + 1)) ? all - 1 : all;
  }

  /** @throws Problem 422 when it cannot be sent there as it is */
  async function toOne(on: Reading, author: Author, draft: ParsedDraft, to: AgentFacts): Promise<Addressed> {
    checkClaimable(draft, to);
    const shaped = (await shapers.get(to.kind)?.(on, author, draft, to)) ?? draft;
    return { draft: shaped, author, target: to.id, matched: 1 };
  }

  /** Whom `@name` means. @throws Problem 422: an unknown name is nobody, never somebody else. */
  async function named(on: Reading, name: string): Promise<Exclude<Target, { kind: "channel" }>> {
    const id = await nameBook?.find(on, name);
    if (id !== undefined) return { kind: "agent", id };
    throw unknownTarget(
      `@${name}`,
      (await nameBook?.names(on))?.map((known) => `@${known}`),
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
    check: (check: DraftCheck) => checks.push(check),
    /** One shaper for each kind of agent. */
    shape: (kind: AgentFacts["kind"], shaper: Shaper) => shapers.set(kind, shaper),
    /** Resolves `@name`. */
    nameBy(book: NameBook): void {
      nameBook = book;
    },
  };
}

/** Claiming makes sense for work, and where several could take it. Where it does not it is refused, never dropped. */
function checkClaimable(draft: ParsedDraft, target: AgentFacts): void {
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
