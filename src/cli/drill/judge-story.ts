import type { Announcement } from "../../protocol/announcements.ts";
import { RunControl } from "../../protocol/run-control.ts";
import type { RunPart, RunPartList } from "../../protocol/run-events.ts";
import type { Run, RunTree } from "../../protocol/runs.ts";
import type { Drilled } from "./asking.ts";
import { once } from "./fault.ts";
import { everything, type Stored } from "./judge.ts";
import { checkParts } from "./judge-parts.ts";
import { announcedIn, answerOf, answersTo, CHAIN, CHAT, modeOf, type Question, type Story } from "./story.ts";

/** A run of the story, at its level of the chain. */
interface Told {
  run: Run;
  level: number;
  number: number;
}

/** Compares what the story has to have come to with what the relay has stored, and with what people, agents and viewers saw. */
export async function judgeStory(drilled: Drilled, story: Story): Promise<void> {
  const inboxes = new Map<string, Stored[]>();
  for (const id of [...CHAIN, CHAT]) inboxes.set(id, await everything(drilled, id));
  checkStrays(story, inboxes);
  for (const question of story.questions.values()) {
    if (question.messageId === undefined) continue;
    once(story.faults, answersTo(story, question).length, `question ${question.number} was answered in its chat`);
    for (const told of await runsOf(drilled, story, question)) {
      checkEnd(story, told);
      await checkAnnouncement(drilled, story, question, told, inboxes);
      checkWords(story, told, inboxes.get(told.run.agentId) ?? []);
      await judgeParts(drilled, story, told.run);
    }
  }
}

/** Nothing but the answers is in the chat. */
function checkStrays({ faults, posts, questions }: Story, inboxes: Map<string, Stored[]>): void {
  if (posts.size > questions.size)
    faults.push({ kind: "doubled", what: `${posts.size} posts answer ${questions.size} questions` });
  const sent = inboxes.get(CHAT)?.length ?? 0;
  if (sent !== posts.size)
    faults.push({ kind: "other", what: `${sent} posts are stored, and ${posts.size} were made` });
}

/** The run on a question with those below it: one of each agent of the chain. */
async function runsOf({ ask }: Drilled, { faults }: Story, { number, messageId }: Question): Promise<Told[]> {
  const { items } = (await ask<{ items: Run[] }>("GET", `/v1/runs?message=${messageId}`)).body;
  once(faults, items.length, `the run on question ${number} was made`);
  const [root] = items;
  if (!root) return [];
  const { run, descendants } = (await ask<RunTree>("GET", `/v1/runs/${root.id}/tree`)).body;
  const all = [run, ...descendants];
  return CHAIN.flatMap((agentId, level) => {
    const own = all.filter((one) => one.agentId === agentId);
    once(faults, own.length, `the run of ${agentId} on question ${number} was made`);
    return own.map((one) => ({ run: one, level, number }));
  });
}

function checkEnd({ faults }: Story, { run, level, number }: Told): void {
  const { id, status, outcome, result, usage, turns } = run;
  if (status !== "ended" || outcome !== "ok")
    faults.push({ kind: "lost", what: `${id} is ${status}, ${outcome ?? "without an outcome"}` });
  const answer = answerOf(number, level);
  if (result?.text !== answer)
    faults.push({ kind: "lost", what: `the result of ${id} is "${result?.text}", not "${answer}"` });
  const wanted = isWoken({ level, number }) ? 2 : 1;
  if (turns.length !== wanted) faults.push({ kind: "doubled", what: `${id} has ${turns.length} turns, not ${wanted}` });
  // A turn reports a token with each half of its text.
  if (usage.inputTokens !== 2 * wanted)
    faults.push({ kind: "other", what: `${id} used ${usage.inputTokens} tokens, not ${2 * wanted}` });
}

/** One message with the result, in the inbox or the chat of the requester, which has acknowledged it. */
async function checkAnnouncement(
  { ask }: Drilled,
  { faults, reads, posts }: Story,
  { conversationId }: Question,
  { run, level, number }: Told,
  inboxes: Map<string, Stored[]>,
): Promise<void> {
  const { items } = (await ask<{ items: Announcement[] }>("GET", `/v1/announcements?run=${run.id}`)).body;
  const sent = items.filter(({ messageId }) => messageId !== null);
  once(faults, sent.length, `the result of ${run.id} was announced`);
  for (const one of items) checkState(faults, run, one);
  const to = level === 0 ? CHAT : CHAIN[level - 1];
  for (const [agent, inbox] of inboxes) {
    const found = inbox.filter(({ kind, payload }) => kind === "announcement" && announcedIn(payload) === run.id);
    if (agent === to) once(faults, found.length, `the result of ${run.id} was sent to ${agent}`);
    else if (found.length > 0) faults.push({ kind: "other", what: `the result of ${run.id} was sent to ${agent} too` });
    for (const { body } of found)
      if (body !== answerOf(number, level))
        faults.push({ kind: "lost", what: `${agent} was sent "${body}" by ${run.id}` });
  }
  if (level > 0)
    once(
      faults,
      reads.filter(({ runId, by }) => runId === run.id && by === to).length,
      `${to} read the result of ${run.id}`,
    );
  else
    for (const { messageId, externalIds } of sent) {
      const post = posts.get(messageId ?? 0);
      if (post?.conversationId !== conversationId || post.externalId !== externalIds.join())
        faults.push({ kind: "other", what: `${run.id} was posted as ${externalIds} to ${post?.conversationId}` });
    }
}

/** A run that was woken took back what it had to say before. */
function checkState(faults: Story["faults"], run: Run, { id, state, reason, messageId }: Announcement): void {
  const isOver = messageId === null ? state === "dismissed" && reason === "superseded" : state === "acknowledged";
  if (!isOver) faults.push({ kind: "lost", what: `${id} with the result of ${run.id} is ${state}, ${reason}` });
}

const isWoken = ({ level, number }: Pick<Told, "level" | "number">): boolean =>
  level < CHAIN.length - 1 && modeOf(number, level) === "waits";

/** The runner was told once of each turn that it had to take. */
function checkWords({ faults }: Story, { run, level, number }: Told, inbox: Stored[]): void {
  const words = inbox.flatMap(({ payload }) => RunControl.safeParse(payload).data?.run ?? []);
  const times = (what: string) => words.filter((word) => word.id === run.id && word.do === what).length;
  if (level > 0) once(faults, times("start"), `${run.agentId} was told to start ${run.id}`);
  if (isWoken({ level, number })) once(faults, times("wake"), `${run.agentId} was told to wake ${run.id}`);
}

async function judgeParts({ ask }: Drilled, story: Story, run: Run): Promise<void> {
  const parts: RunPart[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const { body }: { body: RunPartList } = await ask("GET", `/v1/runs/${run.id}/events?after=${after}`);
    parts.push(...body.items);
    after = body.next;
  }
  checkParts(story, run, parts);
}
