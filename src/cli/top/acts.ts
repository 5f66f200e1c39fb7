import type { Client } from "../../client/client.ts";
import type { Approval } from "../../protocol/approvals.ts";
import type { Row } from "./rows.ts";

const SNOOZE_MS = 3_600_000;

/** Acts by their keys, as in the console. Each answers what it did, or why it does not fit the row. */
const ACTS: Record<string, (client: Client, row: Row, now: number) => Promise<string>> = {
  "1": (client, { item }) => answer(client, item, "allow", ["once", undefined]),
  "2": (client, { item }) => answer(client, item, "allow", ["session"]),
  "3": (client, { item }) => answer(client, item, "deny", ["once", undefined, "session"]),
  async e(client, { item }) {
    if (!("need" in item)) return "Only what needs you can be taken.";
    const { id, takenBy } = item.need;
    const taken = await client.attention.take(id, { release: takenBy !== null });
    return taken.takenBy === null ? "It is free again." : "You have it.";
  },
  async s(client, { item }, now) {
    if (!("need" in item)) return "Only what needs you can be snoozed.";
    await client.attention.snooze(item.need.id, new Date(now + SNOOZE_MS).toISOString());
    return "It comes back in an hour.";
  },
  async i(client, { item }) {
    if ("run" in item) {
      const { status } = await client.runs.abort(item.run.id, { reason: "stopped by a person" });
      return `The run is ${status}.`;
    }
    const sessionId = "session" in item ? item.session.id : item.need.subject.sessionId;
    const machine = "session" in item ? item.session.orchestratorId : item.need.subject.orchestratorId;
    if (!sessionId || !machine) return "There is no session to interrupt.";
    const { status } = await client.orchestrators.command(machine, { do: "interrupt", sessionId }, { waitSeconds: 10 });
    return status === "answered" ? "Its turn is interrupted." : `The interrupt is ${status}.`;
  },
};

/** Does what a key stands for on a row. @returns a sentence, or undefined when the key stands for nothing */
export async function act(key: string, client: Client, row: Row | undefined, now: number): Promise<string | undefined> {
  const run = ACTS[key];
  if (!run) return undefined;
  if (!row) return "Select a row first: j and k move.";
  return run(client, row, now).catch((error) => (error instanceof Error ? error.message : String(error)));
}

/** Answers exactly what was shown: its hash says so. */
async function answer(client: Client, item: Row["item"], decision: "allow" | "deny", scopes: (string | undefined)[]) {
  if (!("need" in item) || !item.approval) return "Only an approval is allowed or denied.";
  const { id, hash, options, title }: Approval = item.approval;
  const fits = (scope: string | undefined) => options.find((one) => one.decision === decision && one.scope === scope);
  const option = scopes.map(fits).find((one) => one !== undefined);
  if (!option) return `It has no such option: signalbox approvals answer ${id}`;
  await client.approvals.answer(id, { option: option.id, hash });
  return `${option.label}: ${title}`;
}
