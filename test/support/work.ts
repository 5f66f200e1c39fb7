import { type Answered, startRelay, type TestRelay } from "./relay.ts";

export interface Worker {
  id: string;
  token: string;
}

/** Answer of a claim for one piece of work. */
export interface Held {
  message: { id: number; body: string; state: string; topic: string | null };
  claim: { token: string; attempt: number; expiresAt: string };
}

export type Ending = "renew" | "release" | "complete" | "fail";

/** A relay with somebody who has work, and two who may do it. */
export interface Crew extends TestRelay {
  boss: Worker;
  ann: Worker;
  ben: Worker;
  /** Opens work for `tag:crew`; answers its id. */
  open(fields?: Record<string, unknown>): Promise<number>;
  claim(worker: Worker, want?: Record<string, unknown>): Promise<Held[]>;
  /** The one piece of work that there has to be. */
  take(worker: Worker, want?: Record<string, unknown>): Promise<Held>;
  end(how: Ending, worker: Worker, held: Held, body?: Record<string, unknown>): Promise<Answered>;
  /** The message as it is now, with its attempts. */
  look(id: number): Promise<Answered["body"]>;
  /** Messages to an agent beyond a place, oldest first. */
  inbox(worker: Worker, after?: number): Promise<Answered["body"][]>;
}

export async function startCrew(...how: Parameters<typeof startRelay>): Promise<Crew> {
  const relay = await startRelay(...how);
  const boss = await relay.agent("boss");
  const ann = await relay.agent("ann", { tags: ["crew"] });
  const ben = await relay.agent("ben", { tags: ["crew"] });
  const crew: Crew = {
    ...relay,
    boss,
    ann,
    ben,
    async open(fields = {}) {
      const draft = { to: "tag:crew", body: "work", claimable: true, ...fields };
      const sent = await relay.ask("POST", "/v1/messages", draft, boss);
      if (sent.status !== 201) throw new Error(`opening work: ${JSON.stringify(sent.body)}`);
      return sent.body.id;
    },
    async claim(worker, want = {}) {
      const claimed = await relay.ask("POST", `/v1/agents/${worker.id}/claims`, want, worker);
      if (claimed.status !== 200) throw new Error(`claiming: ${JSON.stringify(claimed.body)}`);
      return claimed.body.items;
    },
    async take(worker, want = {}) {
      const [held] = await crew.claim(worker, want);
      if (!held) throw new Error(`there is nothing for ${worker.id} to claim`);
      return held;
    },
    end: (how, worker, { message, claim }, body = {}) =>
      relay.ask("POST", `/v1/messages/${message.id}/${how}`, { token: claim.token, ...body }, worker),
    look: async (id) => (await relay.ask("GET", `/v1/messages/${id}`)).body,
    async inbox(worker, after = 0) {
      const { body } = await relay.ask(
        "GET",
        `/v1/agents/${worker.id}/inbox?after=${after}&limit=500`,
        undefined,
        worker,
      );
      return body.items;
    },
  };
  return crew;
}
