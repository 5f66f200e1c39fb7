import type { Answered } from "./relay.ts";
import { type Crew, startCrew } from "./runs.ts";
import type { Worker } from "./work.ts";

export const OPTIONS = [
  { id: "yes", label: "Allow", decision: "allow", scope: "once" },
  { id: "always", label: "Always", decision: "allow", scope: "always" },
  { id: "no", label: "Deny", decision: "deny" },
];

/** A draft of an approval of a command line. */
export const wanted = (line = "npm publish", more: object = {}) => ({
  ...{
    kind: "permission",
    subject: { type: "command", line, cwd: "/work/app", envNames: [] },
    title: `Run ${line.slice(0, 40).replaceAll("\n", " ")}`,
  },
  ...{ options: OPTIONS, default: "no", expiresInSeconds: 3600 },
  ...more,
});

type Shown = Answered["body"];

export interface Approving extends Crew {
  asks(by: Worker, draft?: object): Promise<Shown>;
  shown(approval: Shown): Promise<Shown>;
  answer(approval: Shown, option: string, more?: object, by?: { token: string }): Promise<Answered>;
  /** `payload.approval` of the control messages to an agent, oldest first. */
  heard(of: Worker): Promise<Shown[]>;
}

/** Agents that ask for approvals, through the front door. */
export async function startApproving(overrides: Parameters<typeof startCrew>[0] = {}): Promise<Approving> {
  const crew = await startCrew(overrides);
  const { ask } = crew;
  return {
    ...crew,
    get relay() {
      return crew.relay;
    },
    async asks(by: Worker, draft: object = wanted()) {
      const answer = await ask("POST", "/v1/approvals", draft, by);
      if (answer.status >= 300) throw new Error(JSON.stringify(answer.body));
      return answer.body;
    },
    shown: async ({ id }: Shown) => (await ask("GET", `/v1/approvals/${id}`)).body,
    answer: ({ id, hash }: Shown, option: string, more: object = {}, by?: { token: string }) =>
      ask("POST", `/v1/approvals/${id}/answer`, { option, hash, ...more }, by),
    async heard(of: Worker) {
      const { items } = (await ask("GET", `/v1/agents/${of.id}/inbox?after=0`)).body;
      return items.flatMap(({ payload }: Shown) => payload?.approval ?? []);
    },
  };
}
