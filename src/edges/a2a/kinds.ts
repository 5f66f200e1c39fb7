/** Purpose of the sealed secrets of A2A. */
export const SECRETS = "a2a secrets";

/** Longest wait for an answer of another machine, in milliseconds. */
export const ANSWER_MS = 20_000;
/** Some agents work on a message before they answer, though asked not to: a request that is cut off is done twice. */
export const SEND_MS = 120_000;
/** One notification, and how many of them one piece of work sends. */
export const PUSH_MS = 10_000;
export const PUSHES_AT_ONCE = 8;

/** Due row of a card to fetch. */
export const REFRESH = "a2a.refresh";
/** Due row of an external agent with entries in its inbox. One for each agent: a slow one delays no other. */
export const DELIVER = "a2a.deliver";
/** Due row of a task under way at another machine. */
export const POLL = "a2a.look";
/** Due row of an address with notifications to send. */
export const PUSH = "a2a.push";

/** Longest time of the work of a row, in milliseconds. */
export const WORK_MS = {
  [REFRESH]: ANSWER_MS * 2,
  [DELIVER]: SEND_MS * 2,
  [POLL]: ANSWER_MS * 2,
  [PUSH]: PUSH_MS * (PUSHES_AT_ONCE + 1),
};
export type WorkKind = keyof typeof WORK_MS;
export const WORK_KINDS = Object.keys(WORK_MS) as WorkKind[];
