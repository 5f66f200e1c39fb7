import { VERSION } from "../../src/version.ts";
import type { Answered } from "./relay.ts";
import { type Crew, startCrew } from "./runs.ts";
import type { Worker } from "./work.ts";

type Shown = Answered["body"];

/** A relay with the orchestrator `box`, whose daemon is played by the test. `ada` may spawn there. */
export interface Boxed extends Crew {
  /** The daemon, by its token. */
  daemon: Worker;
  /** `POST .../commands`, whatever comes of it. */
  tryCommand(by: { token?: string } | undefined, command: object, how?: How): Promise<Answered>;
  command(by: { token?: string } | undefined, command: object, how?: How): Promise<Shown>;
  /** Requests with commands that the daemon has got, oldest first. */
  heard(): Promise<Shown[]>;
  /** The daemon's answer to a command. */
  done(delegation: { id: string }, result?: object, text?: string): Promise<Shown>;
  /** A session that the daemon reports, of an agent that it has enrolled. */
  session(id: string, fields?: object): Promise<Shown>;
  /** An agent that the daemon has enrolled. */
  enrolled(id: string): Promise<Worker>;
}

interface How {
  key?: string;
  run?: string;
  wait?: number;
  timeoutSeconds?: number;
  id?: string;
}

export const BOX = {
  ...{ hostname: "box", version: VERSION, baseDir: "/srv/agents", approvalMode: "open", spawners: ["ada", "team-*"] },
  providers: ["claude", "codex"].map((name) => ({ name, capabilities: [] })),
};

export async function startBox(fields: object = {}, overrides: Parameters<typeof startCrew>[0] = {}): Promise<Boxed> {
  const crew = await startCrew(overrides);
  const { ask } = crew;
  const draft = { role: "orchestrator", agentId: "orchestrator-box", prefix: "box-" };
  const { token } = (await ask("POST", "/v1/tokens", draft)).body;
  const daemon: Worker = { id: "orchestrator-box", token };
  const made = await ask("PUT", "/v1/orchestrators/box", { ...BOX, ...fields }, daemon);
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  const boxed: Boxed = {
    ...crew,
    get relay() {
      return crew.relay;
    },
    daemon,
    tryCommand(by, command, { key, run, wait = 0, id = "box", ...more } = {}) {
      const headers: Record<string, string> = {};
      if (key !== undefined) headers["idempotency-key"] = key;
      if (run !== undefined) headers["signalbox-run"] = run;
      return ask(
        "POST",
        `/v1/orchestrators/${id}/commands?waitSeconds=${wait}`,
        { command, ...more },
        { ...by, headers },
      );
    },
    async command(by, command, how) {
      const answer = await boxed.tryCommand(by, command, how);
      if (answer.status >= 300) throw new Error(JSON.stringify(answer.body));
      return answer.body;
    },
    async heard() {
      return (await crew.inbox(daemon)).filter(({ payload }) => payload?.command);
    },
    async done(delegation, commandResult = {}, text = "Done.") {
      const answered = await crew.on(delegation, "response", daemon, { text, payload: { commandResult } });
      if (answered.status >= 300) throw new Error(JSON.stringify(answered.body));
      return answered.body;
    },
    async session(id, fields = {}) {
      if ((await ask("GET", "/v1/agents/box-claude")).status === 404) await boxed.enrolled("box-claude");
      const draft = { agentId: "box-claude", provider: "claude", lane: "background", state: "working", ...fields };
      const made = await ask("PUT", `/v1/sessions/${id}`, draft, daemon);
      if (made.status > 201) throw new Error(JSON.stringify(made.body));
      return made.body;
    },
    async enrolled(id) {
      const made = await ask("PUT", `/v1/agents/${id}`, { name: id }, daemon);
      if (made.status !== 201) throw new Error(JSON.stringify(made.body));
      return { id, token: made.body.token };
    },
  };
  return boxed;
}
