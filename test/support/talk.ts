import { startRelay } from "./relay.ts";

/** A message as a world remembers it; `work` and `delegation` say how it is ended. */
export interface Said {
  id: number;
  from: string;
  to: string;
  work: boolean;
  delegation?: string;
}

export interface Under {
  replyTo?: Said;
  causedBy?: Said | null;
  /** Work that its author holds, or a request that it works on. */
  under?: Said;
}

/** The relay has refused it because of a loop. */
export class Paused extends Error {}

export type World = Awaited<ReturnType<typeof startWorld>>;

/** Agents that talk through a relay. Everybody but the silent reads before it speaks. */
export async function startWorld(overrides: Parameters<typeof startRelay>[0] = {}) {
  const relay = await startRelay({ durability: "normal", threadRate: 0, ...overrides });
  const { ask, clock } = relay;
  const tokens = new Map<string, Promise<{ token: string }>>();
  const read = new Map<string, number>();
  const held = new Map<number, string>();
  const silent = new Set<string>();
  const groups = new Map<string, string[]>();
  const isPerson = (name: string) => name === "user";
  const idOf = (name: string) => (groups.has(name) ? `tag:${name}` : name);

  async function of(name: string): Promise<{ token: string } | undefined> {
    if (isPerson(name) || groups.has(name)) return undefined;
    const tags = [...groups].filter(([, members]) => members.includes(name)).map(([group]) => group);
    if (!tokens.has(name)) tokens.set(name, relay.agent(idOf(name), { tags }));
    return tokens.get(name);
  }

  async function must(method: string, path: string, body: unknown, by: string) {
    const answer = await ask(method, path, body, await of(by));
    if (answer.body?.code === "loop-paused") throw new Paused();
    if (answer.status > 202) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** Everything that waits for it is delivered to it. */
  async function reads(name: string): Promise<void> {
    if (isPerson(name) || silent.has(name)) return;
    const path = `/v1/agents/${idOf(name)}/inbox?after=${read.get(name) ?? 0}&limit=500`;
    const { next, more } = await must("GET", path, undefined, name);
    read.set(name, next);
    if (more) await reads(name);
  }

  const fieldsOf = ({ replyTo, causedBy }: Under) => ({
    ...(replyTo && { replyTo: replyTo.id }),
    ...(causedBy !== undefined && { causedBy: causedBy === null ? null : causedBy.id }),
  });

  async function claim(by: string, work: Said): Promise<string> {
    const known = held.get(work.id);
    if (known) return known;
    const { claim: lease } = await must("POST", `/v1/messages/${work.id}/claim`, { leaseSeconds: 86_400 }, by);
    held.set(work.id, lease.token);
    return lease.token;
  }

  async function say(from: string, to: string, how: Under, more: object): Promise<Said> {
    for (const name of groups.get(to) ?? [to]) await of(name);
    if (how.under?.work) await claim(from, how.under);
    await reads(from);
    const body = { to: idOf(to), body: `${from} to ${to}`, ...fieldsOf(how), ...more };
    const { id, claimable } = await must("POST", "/v1/messages", body, from);
    return { id, from, to, work: claimable };
  }

  return {
    relay,
    groups,
    silent,
    of,
    idOf,
    reads,
    claim,
    tick: (ms: number): void => clock.advance(ms),
    send: (from: string, to: string, how: Under = {}) => say(from, to, how, {}),
    /** Work that its worker claims. */
    job: (from: string, to: string, how: Under = {}) => say(from, to, how, { claimable: true }),
    async complete(by: string, work: Said, hasResult = true): Promise<void> {
      const token = await claim(by, work);
      await must("POST", `/v1/messages/${work.id}/complete`, { token, ...(hasResult && { result: "done" }) }, by);
    },
    /** A request that owes an answer. */
    async ask(from: string, to: string, how: Under = {}): Promise<Said> {
      for (const name of groups.get(to) ?? [to]) await of(name);
      await reads(from);
      const body = { to: idOf(to), text: `${from} asks ${to}`, timeoutSeconds: 86_400 };
      const parentId = how.under?.delegation;
      const threadId = how.replyTo?.id;
      const made = await must(
        "POST",
        "/v1/delegations",
        { ...body, ...(parentId && { parentId }), ...(threadId && { threadId }) },
        from,
      );
      return { id: made.messageId, from, to, work: false, delegation: made.id };
    },
    answer: (by: string, request: Said) =>
      must("POST", `/v1/delegations/${request.delegation}/response`, { text: "so" }, by),
  };
}
