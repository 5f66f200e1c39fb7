import { startTeam, type Team } from "./delegations.ts";
import type { Answered } from "./relay.ts";
import type { Worker } from "./work.ts";

/** A run as the answers show it. */
export type ShownRun = Answered["body"];

/** Agents with runs; the verbs answer with the body, and throw where the relay refuses. */
export interface Crew extends Team {
  /** `POST /v1/runs`, whatever comes of it. */
  tryRun(by: Worker | undefined, fields?: Record<string, unknown>, headers?: Record<string, string>): Promise<Answered>;
  run(by: Worker | undefined, fields?: Record<string, unknown>, headers?: Record<string, string>): Promise<ShownRun>;
  /** One verb on a run; `turn`: a run with a token, or a token. */
  does(
    by: Worker | undefined,
    run: { id: string },
    verb: string,
    body?: unknown,
    turn?: { token?: string } | string,
  ): Promise<Answered>;
  /** Takes the waiting turn; answers with the run and its token. */
  take(by: Worker, run: { id: string }, body?: object): Promise<ShownRun>;
  finish(by: Worker, run: ShownRun, body?: object): Promise<ShownRun>;
  see(run: { id: string }, by?: Worker): Promise<ShownRun>;
  /** Words of the relay to a runner: `payload.run` of its control messages, oldest first. */
  words(of: Worker): Promise<Answered["body"][]>;
}

export async function startCrew(overrides: Parameters<typeof startTeam>[0] = {}): Promise<Crew> {
  const team = await startTeam(overrides);
  const sound = ({ status, body }: Answered): ShownRun => {
    if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body;
  };
  const crew: Crew = {
    ...team,
    get relay() {
      return team.relay;
    },
    tryRun: (by, fields = {}, headers = {}) =>
      team.ask("POST", "/v1/runs", { task: "Look into it.", ...fields }, { ...by, headers }),
    run: async (by, fields, headers) => sound(await crew.tryRun(by, fields, headers)),
    does(by, { id }, verb, body = {}, turn = undefined) {
      const token = typeof turn === "string" ? turn : turn?.token;
      const headers: Record<string, string> = token === undefined ? {} : { "signalbox-run": token };
      return team.ask("POST", `/v1/runs/${id}/${verb}`, body, { ...by, headers });
    },
    async take(by, run, body) {
      const taken = sound(await crew.does(by, run, "start", body));
      return { ...taken.run, token: taken.token };
    },
    finish: async (by, run, body = {}) => sound(await crew.does(by, run, "finish", { outcome: "ok", ...body }, run)),
    see: async ({ id }, by) => sound(await team.ask("GET", `/v1/runs/${id}`, undefined, by ?? {})),
    async words(of) {
      const told = (await team.inbox(of)).filter(({ kind, payload }) => kind === "control" && payload?.run);
      return told.map(({ payload }) => payload.run);
    },
  };
  return crew;
}
