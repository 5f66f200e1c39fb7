import type { Delegation } from "../../../protocol/delegations.ts";
import type { Inbox } from "../../../protocol/inbox.ts";
import type { MessageDetail, SentMessage } from "../../../protocol/messages.ts";
import type { Drilled, Hand } from "../asking.ts";
import type { Fault } from "../fault.ts";
import type { Machine } from "./machine.ts";

/** Conduct that a message asks its agent for. `work` is claimed, and `spawn` comes by a command. */
const CONDUCTS = ["say", "tool", "delegate", "background", "work", "spawn"] as const;
export type Conduct = (typeof CONDUCTS)[number];

export interface Question {
  number: number;
  conduct: Conduct;
  sender: string;
  /** Its message, or the delegation of its command, once the relay has accepted it. */
  messageId?: number;
  delegationId?: string;
  /** Its work as it was seen last. */
  work?: Pick<MessageDetail, "state" | "attempts">;
}

export interface Reply {
  id: number;
  body: string;
  replyTo: number | null;
}

/** Everything that the senders asked and heard. */
export interface Heard {
  questions: Question[];
  /** By sender. */
  replies: Map<string, Reply[]>;
  faults: Fault[];
}

const LOOK_MS = 20;
const WORK_MS = 200;
const ERROR = "[Error]";
/** Beginning of the daemon's note that a turn goes on after a crash: it is no answer. */
const NOTE = "My program crashed";

export const isError = ({ body }: Pick<Reply, "body">): boolean => body.startsWith(ERROR);
export const textOf = ({ number }: Pick<Question, "number">): string => `task q${number}`;

export const repliesTo = ({ replies }: Heard, { sender, messageId }: Question): Reply[] =>
  (replies.get(sender) ?? []).filter(({ replyTo, body }) => replyTo === messageId && !body.startsWith(NOTE));

/** Number of answers that a question gets: a failed turn begins no work beside. */
export const wantedFor = (heard: Heard, question: Question): number =>
  question.conduct === "background" && !repliesTo(heard, question).every(isError) ? 2 : 1;

/** Asks one machine after the other, each question when the one before is answered, until told to stop. Requests are repeated until answered. */
export async function runAsker(
  drilled: Drilled,
  heard: Heard,
  { hand, machines }: { hand: Hand; machines: readonly Machine[] },
  { stopped, done }: { stopped(): boolean; done(): boolean },
): Promise<void> {
  const { ask } = drilled;
  const threads = new Map<string, number>();
  heard.replies.set(hand.id, []);
  const listening = listen(drilled, heard, hand, done);
  for (let n = 0; !stopped(); n++) {
    const number = heard.questions.length;
    const conduct = CONDUCTS[number % CONDUCTS.length] ?? "say";
    const machine = machines[(n + Math.floor(number / CONDUCTS.length)) % machines.length];
    const other = machines.find((one) => one !== machine);
    if (!machine || !other) throw new Error("the drill needs two machines");
    const question: Question = { number, conduct, sender: hand.id };
    heard.questions.push(question);
    if (conduct === "spawn") await command(question, machine);
    else await send(question, machine, other);
    if (conduct === "work") await watch(question);
    while (!isAnswered(heard, question) && !done()) await Bun.sleep(LOOK_MS);
  }
  await listening;

  async function send(question: Question, machine: Machine, other: Machine): Promise<void> {
    const { number, conduct } = question;
    const thread = threads.get(machine.id);
    const draft = {
      ...{ to: machine.agentId, idempotencyKey: `q${number}` },
      body: `${textOf(question)} ${conduct}${conduct === "delegate" ? ` ${other.agentId}` : ""}`,
      ...(thread !== undefined && { replyTo: thread }),
      ...(conduct === "work" && { claimable: true, maxAttempts: 100 }),
    };
    const { status, body } = await ask<SentMessage>("POST", "/v1/messages", draft, hand.token);
    if (status > 299) throw new Error(`q${number} was refused: ${status} ${JSON.stringify(body)}`);
    question.messageId = body.id;
    threads.set(machine.id, thread ?? body.id);
  }

  /** Looks at work until it has ended. */
  async function watch(question: Question): Promise<void> {
    while (!isAnswered(heard, question) && !done()) {
      await Bun.sleep(WORK_MS);
      question.work = (
        await ask<MessageDetail>("GET", `/v1/messages/${question.messageId}`, undefined, hand.token)
      ).body;
    }
  }

  async function command(question: Question, { id }: Machine): Promise<void> {
    const prompt = `${textOf(question)} say`;
    const spawn = { command: { do: "spawn", provider: "own", prompt, sessionKey: `q${question.number}` } };
    const headers = { "idempotency-key": `q${question.number}` };
    const path = `/v1/orchestrators/${id}/commands`;
    const { status, body } = await ask<Delegation>("POST", path, spawn, undefined, headers);
    if (status > 299) throw new Error(`spawn q${question.number} was refused: ${status} ${JSON.stringify(body)}`);
    question.delegationId = body.id;
    for (let isOpen = true; isOpen && !done(); ) {
      const now = await ask<Delegation>("GET", `/v1/delegations/${body.id}?waitSeconds=1`);
      isOpen = now.body.endedAt === null;
    }
  }
}

export const isAnswered = (heard: Heard, question: Question): boolean => {
  const { conduct, messageId, work } = question;
  if (conduct === "work" && messageId !== undefined) return work?.state === "done" || work?.state === "dead";
  return messageId === undefined || repliesTo(heard, question).length >= wantedFor(heard, question);
};

/** Reads what a sender is answered. */
async function listen({ ask }: Drilled, { replies }: Heard, { id, token }: Hand, done: () => boolean): Promise<void> {
  for (let after = 0; !done(); ) {
    const path = `/v1/agents/${id}/inbox?after=${after}&limit=100&waitSeconds=1`;
    const { body } = await ask<Inbox>("GET", path, undefined, token);
    replies.get(id)?.push(...body.items);
    after = body.next ?? after;
  }
}
