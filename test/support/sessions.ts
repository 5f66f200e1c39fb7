import { VERSION } from "../../src/version.ts";
import { type Answered, startRelay, type TestRelay } from "./relay.ts";
import type { Worker } from "./work.ts";

type Shown = Answered["body"];

/** A daemon, as its token makes it. */
export interface Daemon extends Worker {
  /** Id of the orchestrator; its agent is `orchestrator-<name>`. */
  name: string;
}

export interface Fleet extends TestRelay {
  /** Registers one more orchestrator, which enrolls agents below `<name>-`. */
  orchestrator(name: string): Promise<Daemon>;
  /** Enrolls an agent by a daemon's token. */
  enroll(by: Daemon, id: string): Promise<Worker>;
  /** `PUT /v1/sessions/{id}`, whatever comes of it. */
  tryPut(by: { token: string } | undefined, id: string, fields?: object): Promise<Answered>;
  /** Reports a session, and throws where the relay refuses. */
  put(by: Daemon, id: string, fields?: object): Promise<Shown>;
  /** One verb on a session. */
  does(by: { token: string } | undefined, id: string, verb: string, body?: object): Promise<Answered>;
  lease(by: Daemon, id: string, body?: object): Promise<Shown>;
  see(id: string, by?: { token: string }): Promise<Shown>;
}

export const draft = { agentId: "box-one", provider: "claude", lane: "main", place: "user", state: "starting" };

function sound({ status, body }: Answered): Shown {
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body;
}

/** Daemon `box` with the agents `box-one` and `box-two`, and whatever a test adds. */
export async function startFleet(
  overrides: Parameters<typeof startRelay>[0] = {},
): Promise<Fleet & { box: Daemon; one: Worker; two: Worker }> {
  const relay = await startRelay(overrides);
  const { ask } = relay;
  const fleet: Fleet = {
    ...relay,
    get relay() {
      return relay.relay;
    },
    async orchestrator(name) {
      const rights = { role: "orchestrator", agentId: `orchestrator-${name}`, prefix: `${name}-` };
      const { token } = sound(await ask("POST", "/v1/tokens", rights));
      const self = { name, id: `orchestrator-${name}`, token };
      sound(
        await ask(
          "PUT",
          `/v1/orchestrators/${name}`,
          { hostname: name, version: VERSION, baseDir: "/work", providers: [], approvalMode: "open", spawners: ["*"] },
          self,
        ),
      );
      return self;
    },
    async enroll(by, id) {
      const { token } = sound(await ask("PUT", `/v1/agents/${id}`, { name: id }, by));
      return { id, token };
    },
    tryPut: (by, id, fields = {}) => ask("PUT", `/v1/sessions/${id}`, { ...draft, ...fields }, by),
    put: async (by, id, fields) => sound(await fleet.tryPut(by, id, fields)),
    does: (by, id, verb, body = {}) => ask("POST", `/v1/sessions/${id}/${verb}`, body, by),
    lease: async (by, id, body) => sound(await fleet.does(by, id, "lease", body)),
    see: async (id, by) => sound(await ask("GET", `/v1/sessions/${id}`, undefined, by)),
  };
  const box = await fleet.orchestrator("box");
  const one = await fleet.enroll(box, "box-one");
  const two = await fleet.enroll(box, "box-two");
  return Object.assign(fleet, { box, one, two });
}
