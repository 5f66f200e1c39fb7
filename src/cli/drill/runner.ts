import type { EventDraft } from "../../client/run-drafts.ts";
import type { Inbox } from "../../protocol/inbox.ts";
import type { RunControl } from "../../protocol/run-control.ts";
import type { Run, RunStarted } from "../../protocol/runs.ts";
import type { Drilled, Hand } from "./asking.ts";
import { waitForParent } from "./parent.ts";
import { createPen } from "./pen.ts";
import {
  announcedIn,
  answerOf,
  CHAIN,
  goOn,
  LAST,
  modeOf,
  numberIn,
  type Story,
  step,
  THOUGHT,
  textOf,
} from "./story.ts";
import { watchRun } from "./watcher.ts";

const LOOK_MS = 20;
const LEASE_SECONDS = 3600;

type Item = Inbox["items"][number];

/** A turn that was taken. */
interface Turn {
  run: Run;
  token: string;
  turnId: string;
  /** Results that woke it. */
  findings?: RunControl["findings"];
}

/**
 * Runs one agent of the chain: reads its inbox, works on questions of people and on turns that it hears of, all at the same time, and
 * acknowledges what it has read.
 */
export async function runRunner(
  drilled: Drilled,
  story: Story,
  { hand, level }: { hand: Hand; level: number },
  done: () => boolean,
): Promise<void> {
  const ask = <T>(method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
    drilled.ask<T>(method, path, body, hand.token, headers);
  const inbox = `/v1/agents/${hand.id}/inbox`;
  for (let after = 0; !done(); ) {
    const { body } = await ask<Inbox>("GET", `${inbox}?after=${after}&limit=100&waitSeconds=1`);
    for (const item of body.items) goOn(story, read(item));
    after = body.next ?? after;
    if (body.items.length > 0) await step(story, `ack of ${hand.id}`, ask("POST", `${inbox}/ack`, { upTo: after }));
  }

  async function read({ id, kind, body, payload }: Item): Promise<void> {
    if (kind === "channel.event") return work(await begin(id, body, payload?.conversation));
    if (kind === "control") return work(await take(payload?.run as RunControl));
    const runId = announcedIn(payload);
    if (runId !== undefined) story.reads.push({ by: hand.id, runId, body });
  }

  /** Begins a run on a question, whose result goes to the chat. */
  async function begin(messageId: number, body: string, conversation: unknown): Promise<Turn> {
    const number = numberIn(body);
    const draft = { messageId, ...draftOf(number, level), requester: { conversation } };
    const headers = { "idempotency-key": `run-${messageId}` };
    const run = await step(story, `run on ${messageId}`, ask<Run>("POST", "/v1/runs", draft, headers));
    goOn(story, watchRun(drilled, story, run.id, done));
    return { run, token: run.token ?? "", turnId: run.turnId };
  }

  async function take({ id, turnId, do: what, findings }: RunControl): Promise<Turn> {
    const asked = ask<RunStarted>("POST", `/v1/runs/${id}/start`, { leaseSeconds: LEASE_SECONDS });
    const { run, token } = await step(story, `start of ${id}`, asked);
    if (run.turnId !== turnId)
      story.faults.push({ kind: "other", what: `${id} was to ${what} ${turnId}, and its turn is ${run.turnId}` });
    if (what === "start") goOn(story, watchRun(drilled, story, id, done));
    return { run, token, turnId, findings };
  }

  /** Does one turn: says something, asks the next agent unless it was woken, and ends it. */
  async function work(turn: Turn): Promise<void> {
    const { run, token, findings } = turn;
    const number = numberIn(run.task);
    const pen = createPen(story, turn, (events) =>
      ask("POST", `/v1/runs/${run.id}/events`, { events }, { "signalbox-run": token }),
    );
    await pen.write([START, { stream: "thinking", data: { delta: THOUGHT } }]);
    const mode = modeOf(number, level);
    if (findings) checkFindings(run, findings, answerOf(number, level + 1));
    else if (level < LAST) await askNext(number, turn, pen);
    const isAsking = !findings && level < LAST && mode === "waits";
    const answer = isAsking ? "I asked." : answerOf(number, level);
    const half = Math.ceil(answer.length / 2);
    await pen.say(answer.slice(0, half));
    await pen.say(answer.slice(half));
    await waitForParent(drilled, run, level, done);
    // Left out, the result is the text that was said.
    const end = { outcome: "ok", ...(mode === "alone" && { result: answer }) };
    const ended = ask<Run>("POST", `/v1/runs/${run.id}/finish`, end, { "signalbox-run": token });
    await step(story, `finish of ${run.id}`, ended);
  }

  /** Starts a run of the next agent below this one; who listens also waits for its announcement. */
  async function askNext(number: number, { run, token }: Turn, pen: ReturnType<typeof createPen>): Promise<void> {
    await pen.write([call("start", { args: { question: textOf(number) } })]);
    const draft = { agentId: CHAIN[level + 1], ...draftOf(number, level + 1) };
    const headers = { "signalbox-run": token, "idempotency-key": `below-${run.id}` };
    const child = await step(story, `child of ${run.id}`, ask<Run>("POST", "/v1/runs", draft, headers));
    if (modeOf(number, level) !== "listens") return;
    while (!story.reads.some(({ runId }) => runId === child.id) && !done()) await Bun.sleep(LOOK_MS);
    await pen.write([call("result", { result: "answered" })]);
  }

  function checkFindings({ id }: Run, findings: NonNullable<Turn["findings"]>, wanted: string): void {
    const texts = findings.map(({ result }) => result?.text);
    if (texts.length === 1 && texts[0] === wanted) return;
    const kind = texts.includes(wanted) ? "doubled" : "lost";
    story.faults.push({ kind, what: `${id} was woken with ${JSON.stringify(texts)}, not with "${wanted}" alone` });
  }
}

const START: EventDraft = { stream: "lifecycle", data: { phase: "start" } };

const call = (phase: "start" | "result", more: object): EventDraft => ({
  stream: "tool",
  data: { phase, toolCallId: "ask", name: "ask", ...more },
});

const draftOf = (number: number, level: number) => ({
  ...{ task: textOf(number), expectsResult: true, leaseSeconds: LEASE_SECONDS },
  wakeOnSettle: modeOf(number, level) === "waits",
});
