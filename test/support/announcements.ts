import type { Answered } from "./relay.ts";
import { type Crew, type ShownRun, startCrew } from "./runs.ts";
import type { Worker } from "./work.ts";

/** Agents whose runs report to each other. */
export interface Office extends Crew {
  /** A run of `by` that is asked for by another, taken at once. */
  asked(from: Worker | undefined, by: Worker, fields?: Record<string, unknown>): Promise<ShownRun>;
  /** Announcements in an inbox, oldest first. */
  announced(to: Worker | "user"): Promise<Answered["body"][]>;
  /** Announcements of a run, oldest first. */
  ofRun(run: { id: string }): Promise<Answered["body"][]>;
  /** `retry` or `dismiss`. */
  handle(verb: string, announcement: { id: string }, by?: Worker): Promise<Answered>;
  ackUpTo(by: Worker, upTo: number): Promise<Answered>;
}

export async function startOffice(overrides: Parameters<typeof startCrew>[0] = {}): Promise<Office> {
  const crew = await startCrew(overrides);
  return {
    ...crew,
    asked: async (from, by, fields = {}) => crew.take(by, await crew.run(from, { agentId: by.id, ...fields })),
    async announced(to) {
      const id = to === "user" ? to : to.id;
      const { body } = await crew.ask("GET", `/v1/agents/${id}/inbox?after=0&limit=500`);
      return body.items.filter(({ kind }: { kind: string }) => kind === "announcement");
    },
    ofRun: async ({ id }) => (await crew.ask("GET", `/v1/announcements?run=${id}`)).body.items.reverse(),
    handle: (verb, { id }, by) => crew.ask("POST", `/v1/announcements/${id}/${verb}`, undefined, by ?? {}),
    ackUpTo: (by, upTo) => crew.ask("POST", `/v1/agents/${by.id}/inbox/ack`, { upTo }, by),
  };
}

/** A chat account beside the office, and helpers that speak as its adapter. */
export interface Chat {
  id: string;
  adapter: Worker;
  /** A text that came in; answers its message. */
  event(more?: Record<string, unknown>): Promise<Answered["body"]>;
  /** Posts that the adapter claims now. */
  claim(): Promise<{ message: Answered["body"]; claim: { token: string } }[]>;
  end(held: { message: { id: number }; claim: { token: string } }, verb: string, body?: object): Promise<Answered>;
}

let events = 0;

export async function openChat({ ask, agent }: Office, id: string, target = "bob"): Promise<Chat> {
  const [provider, accountId] = id.split(":");
  const adapter = await agent(id, { channel: { provider, accountId } });
  await ask("PUT", `/v1/channels/${id}/access`, { mode: "open" });
  await ask("PUT", `/v1/channels/${id}/bindings`, { target });
  return {
    id,
    adapter,
    async event(more = {}) {
      const draft = {
        conversationId: "c1",
        externalId: `in-${++events}`,
        sender: { id: "9", name: "Ada" },
        text: "Is it up?",
      };
      const { status, body } = await ask("POST", `/v1/channels/${id}/events`, { ...draft, ...more }, adapter);
      if (status >= 300) throw new Error(JSON.stringify(body));
      return body.messages[0];
    },
    claim: async () => (await ask("POST", `/v1/agents/${id}/claims`, { max: 10 }, adapter)).body.items,
    end: ({ message, claim }, verb, body = {}) =>
      ask("POST", `/v1/messages/${message.id}/${verb}`, { token: claim.token, ...body }, adapter),
  };
}
