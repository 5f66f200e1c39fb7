import { type Answered, startRelay, type TestRelay } from "./relay.ts";
import type { Worker } from "./work.ts";

/** A relay with agents who ask each other; `pat` and `pia` are of `tag:pool`. */
export interface Team extends TestRelay {
  ada: Worker;
  bob: Worker;
  cid: Worker;
  dan: Worker;
  pat: Worker;
  pia: Worker;
  /** Asks; answers with the delegation. */
  delegate(by: Worker, to: string, fields?: Record<string, unknown>): Promise<Answered["body"]>;
  tryDelegate(by: Worker, to: string, fields?: Record<string, unknown>): Promise<Answered>;
  /** One verb on a delegation. */
  on(
    delegation: { id: string },
    verb: "response" | "progress" | "cancel",
    by: Worker | undefined,
    body?: unknown,
  ): Promise<Answered>;
  /** The delegation as it is now, for the operator. */
  look(delegation: { id: string }): Promise<Answered["body"]>;
  /** Messages to an agent, oldest first. */
  inbox(worker: Worker): Promise<Answered["body"][]>;
  /** The responses somebody got, oldest first. */
  responses(worker: Worker): Promise<Answered["body"][]>;
  reply(by: Worker, delegation: { messageId: number; from: string }, fields?: object): Promise<Answered>;
  /** Acknowledges all that somebody was sent. */
  ack(by: Worker): Promise<Answered>;
  claim(by: Worker): Promise<{ message: { id: number }; claim: { token: string } }>;
  end(
    how: string,
    by: Worker,
    held: { message: { id: number }; claim: { token: string } },
    body?: object,
  ): Promise<Answered>;
}

export async function startTeam(overrides: Parameters<typeof startRelay>[0] = {}): Promise<Team> {
  const relay = await startRelay({ durability: "normal", ...overrides });
  const agent = (id: string, fields = {}) => relay.agent(id, fields);
  const team: Team = {
    ...relay,
    // Another one after a restart.
    get relay() {
      return relay.relay;
    },
    ...{ ada: await agent("ada"), bob: await agent("bob"), cid: await agent("cid"), dan: await agent("dan") },
    ...{ pat: await agent("pat", { tags: ["pool"] }), pia: await agent("pia", { tags: ["pool"] }) },
    tryDelegate: (by, to, fields = {}) => relay.ask("POST", "/v1/delegations", { to, text: "please", ...fields }, by),
    async delegate(by, to, fields) {
      const asked = await team.tryDelegate(by, to, fields);
      if (asked.status !== 201) throw new Error(`delegating: ${JSON.stringify(asked.body)}`);
      return asked.body;
    },
    on: ({ id }, verb, by, body = {}) => relay.ask("POST", `/v1/delegations/${id}/${verb}`, body, by ?? {}),
    look: async ({ id }) => (await relay.ask("GET", `/v1/delegations/${id}`)).body,
    inbox: async (worker) =>
      (await relay.ask("GET", `/v1/agents/${worker.id}/inbox?after=0&limit=500`, undefined, worker)).body.items,
    responses: async (worker) => (await team.inbox(worker)).filter(({ kind }) => kind === "response"),
    reply: (by, { messageId, from }, fields = {}) =>
      relay.ask("POST", "/v1/messages", { to: from, body: "here", replyTo: messageId, ...fields }, by),
    ack: async (by) =>
      relay.ask("POST", `/v1/agents/${by.id}/inbox/ack`, { upTo: (await team.inbox(by)).at(-1).id }, by),
    async claim(by) {
      const { body } = await relay.ask("POST", `/v1/agents/${by.id}/claims`, {}, by);
      if (!body.items?.[0]) throw new Error(`nothing to claim for ${by.id}: ${JSON.stringify(body)}`);
      return body.items[0];
    },
    end: (how, by, { message, claim }, body = {}) =>
      relay.ask("POST", `/v1/messages/${message.id}/${how}`, { token: claim.token, ...body }, by),
  };
  return team;
}
