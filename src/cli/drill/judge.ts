import type { Inbox } from "../../protocol/inbox.ts";
import type { MessageDetail } from "../../protocol/messages.ts";
import type { Drilled, Hand } from "./asking.ts";
import type { Promised } from "./crew.ts";
import { once } from "./fault.ts";

export type Stored = Inbox["items"][number];

/** Compares every promise with what the relay has stored, and adds the broken ones to the faults. */
export async function judge(drilled: Drilled, promised: Promised, { reader, boss }: { reader: Hand; boss: Hand }) {
  const talk = await everything(drilled, reader.id);
  checkIds(promised, talk);
  await checkSent(drilled, promised);
  checkPlanned(promised, talk);
  await checkAcked(drilled, promised);
  checkResults(promised, await everything(drilled, boss.id));
  checkSeen(
    promised,
    talk.map(({ id }) => id),
  );
}

/** All that an agent was ever sent, as the relay has it stored. */
export async function everything({ ask }: Drilled, agent: string): Promise<Stored[]> {
  const items: Stored[] = [];
  for (let after = 0, more = true; more; ) {
    const { body } = await ask<Inbox>("GET", `/v1/agents/${agent}/inbox?limit=500&after=${after}`);
    items.push(...body.items);
    more = body.more;
    after = body.next ?? after;
  }
  return items;
}

function checkIds({ faults, sent, planned, tasks }: Promised, talk: Stored[]): void {
  if (new Set(sent.values()).size !== sent.size)
    faults.push({ kind: "other", what: "an id was given to two messages" });
  const accepted = sent.size - tasks.size + planned.size;
  if (talk.length > accepted)
    faults.push({ kind: "doubled", what: `${accepted} pieces of talk were accepted, ${talk.length} are stored` });
}

async function checkSent({ ask }: Drilled, { faults, sent, tasks, completed }: Promised): Promise<void> {
  for (const [key, id] of sent) {
    const { status, body } = await ask<MessageDetail>("GET", `/v1/messages/${id}`);
    if (status !== 200 || body.idempotencyKey !== key)
      faults.push({ kind: "lost", what: `${key} was accepted as message ${id}, which is not there` });
    else if (tasks.has(id)) {
      const ended = body.attempts?.filter(({ outcome }) => outcome === "completed").length ?? 0;
      once(faults, ended, `task ${id} was completed`);
      if (body.state !== "done") faults.push({ kind: "lost", what: `task ${id} is ${body.state}, not done` });
      if (!completed.has(id)) faults.push({ kind: "lost", what: `task ${id} was never handed to a worker` });
    }
  }
}

function checkPlanned({ faults, planned }: Promised, talk: Stored[]): void {
  const delivered = Map.groupBy(talk, ({ body }) => body);
  for (const key of planned) once(faults, delivered.get(key)?.length ?? 0, `${key} was delivered`);
}

async function checkAcked({ ask }: Drilled, { faults, acked }: Promised): Promise<void> {
  for (const [agent, upTo] of acked) {
    const { body } = await ask<Inbox>("GET", `/v1/agents/${agent}/inbox?limit=1`);
    if (body.cursor < upTo)
      faults.push({ kind: "lost", what: `${agent} acknowledged ${upTo}, and its cursor is ${body.cursor}` });
  }
}

function checkResults({ faults, tasks }: Promised, results: Stored[]): void {
  const byTask = Map.groupBy(results, ({ replyTo }) => replyTo);
  for (const id of tasks) once(faults, byTask.get(id)?.length ?? 0, `the result of task ${id} arrived`);
}

/** Every reader saw every piece of talk once and in order. */
function checkSeen({ faults, seen }: Promised, talk: number[]): void {
  const stored = new Set(talk);
  for (const [agent, ids] of seen) {
    const distinct = new Set(ids);
    const missing = talk.filter((id) => !distinct.has(id)).length;
    const isOrdered = ids.every((id, at) => at === 0 || (ids[at - 1] ?? 0) <= id);
    const vanished = ids.filter((id) => !stored.has(id)).length;
    if (missing) faults.push({ kind: "lost", what: `${agent} missed ${missing} of ${talk.length} messages` });
    if (ids.length > distinct.size)
      faults.push({ kind: "doubled", what: `${agent} saw ${ids.length - distinct.size} messages twice` });
    if (vanished) faults.push({ kind: "lost", what: `${agent} saw ${vanished} messages that are stored no more` });
    if (!isOrdered) faults.push({ kind: "other", what: `${agent} saw messages out of order` });
  }
}
