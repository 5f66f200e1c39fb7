import type { Message } from "../../protocol/messages.ts";
import type { Answered, Drilled, Hand } from "./asking.ts";
import type { Fault } from "./fault.ts";

/** Agents of the story, from the one that people ask. Each asks the next one. */
export const CHAIN = ["chief", "mate", "diver"] as const;
/** The account of the chat. */
export const CHAT = "chat:drill";
/** The last level of the chain. */
export const LAST = CHAIN.length - 1;
/** Thought with which each turn begins. */
export const THOUGHT = "Let me see.";

/** Conduct of a run that asked the next agent. */
export type Mode =
  /** Ends its turn, is woken by the result, and answers in a turn of its own. */
  | "waits"
  /** Goes on until it reads the announcement in its inbox. */
  | "listens"
  /** Ends its turn with an answer of its own, and is not woken. */
  | "alone";
const MODES: readonly Mode[] = ["waits", "listens", "alone"];

/** A question of a person. */
export interface Question {
  number: number;
  conversationId: string;
  /** Its message, once the relay has accepted it. */
  messageId?: number;
}

/** One message that the people in a chat see. */
export interface Post {
  conversationId: string;
  text: string;
  externalId: string;
}

/** An announcement that an agent read. */
export interface Read {
  by: string;
  runId: string;
  body: string;
}

/** The nested story, as the people, the agents and the viewers in it remember it. */
export interface Story {
  questions: Map<number, Question>;
  /** By the message that was posted. */
  posts: Map<number, Post>;
  reads: Read[];
  /** Text that each turn said, by its id. */
  said: Map<string, string>;
  /** Places of parts that a viewer of each run saw, in order. */
  seen: Map<string, number[]>;
  faults: Fault[];
  /** Steps that the relay has answered. */
  steps: number;
  /** Turns, and viewers, that go on. */
  going: Set<Promise<void>>;
}

/** The adapter of the chat, and the agents of the chain in its order. */
export interface Cast {
  adapter: Hand;
  chain: Hand[];
}

export const createStory = (faults: Fault[]): Story => ({
  ...{ questions: new Map(), posts: new Map(), reads: [], said: new Map(), seen: new Map() },
  ...{ faults, steps: 0, going: new Set() },
});

export const textOf = (number: number): string => `q${number}`;
export const numberIn = (text: string): number => Number(/q(\d+)/.exec(text)?.[1]);
/** Every level meets every mode. */
export const modeOf = (number: number, level: number): Mode =>
  MODES[(number + (level === 0 ? 0 : Math.floor(number / 3))) % 3] ?? "waits";

/** The answer of a level to a question: made of those below it, unless it answers alone. */
export function answerOf(number: number, level: number): string {
  const below = level < LAST && modeOf(number, level) !== "alone" ? answerOf(number, level + 1) : textOf(number);
  return `${CHAIN[level]}: ${below}`;
}

/** Run whose result a message announces. */
export const announcedIn = (payload: Message["payload"]): string | undefined =>
  (payload?.announcement as { runId?: string } | undefined)?.runId;

/** Posts that answer a question. */
export const answersTo = ({ posts }: Story, { number, conversationId }: Question): Post[] =>
  [...posts.values()].filter((post) => post.conversationId === conversationId && post.text === answerOf(number, 0));

export const answeredIn = (story: Story): number =>
  [...story.questions.values()].filter((question) => answersTo(story, question).length > 0).length;

/** Whether every question was answered, and every agent has read the results of those below it. */
export function isTold(story: Story): boolean {
  const { questions, posts, reads, going } = story;
  return posts.size >= questions.size && reads.length >= questions.size * LAST && going.size === 0;
}

/** A step that the relay refused. The fault is noted already. */
export class Refused extends Error {}

/** One step of the story. @throws Refused */
export async function step<T>(story: Story, what: string, asked: Promise<Answered<T>>): Promise<T> {
  const { status, body } = await asked;
  story.steps++;
  if (status < 300) return body;
  story.faults.push({ kind: "other", what: `${what}: ${status} ${JSON.stringify(body)}` });
  throw new Refused(what);
}

/** Resolves when the work is over, also by a fault, which it notes. */
export const noted = ({ faults }: Story, work: Promise<void>): Promise<void> =>
  work.catch((error: unknown) => {
    if (!(error instanceof Refused)) faults.push({ kind: "other", what: String(error) });
  });

/** Lets work go on beside. */
export function goOn(story: Story, work: Promise<void>): void {
  const run = noted(story, work).finally(() => story.going.delete(run));
  story.going.add(run);
}

/** Registers the chat and the chain. */
export async function castOf({ ask }: Drilled, hire: (id: string, more: object) => Promise<Hand>): Promise<Cast> {
  const [provider, accountId] = CHAT.split(":");
  const chain = await Promise.all(CHAIN.map((id) => hire(id, {})));
  const adapter = await hire(CHAT, { channel: { provider, accountId } });
  await ask("PUT", `/v1/channels/${CHAT}/access`, { mode: "open" });
  await ask("PUT", `/v1/channels/${CHAT}/bindings`, { target: CHAIN[0] });
  return { adapter, chain };
}
