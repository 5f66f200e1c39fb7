/** How long an answer from out there is waited for, in milliseconds. */
export const LOOK_MS = 20_000;
/** Some work on a message before they answer, though they are asked not to: what is cut off is done twice. */
export const SEND_MS = 120_000;
/** One notification, and how many of them one piece of work sends. */
export const PUSH_MS = 10_000;
export const PUSHES_AT_ONCE = 8;

/** The due row of a card that is to be fetched. */
export const REFRESH = "a2a.refresh";
/** The due row of an agent out there whose inbox has something. One for each: a slow one holds up nobody else. */
export const DELIVER = "a2a.deliver";
/** The due row of a task that is under way out there. */
export const LOOK = "a2a.look";
/** The due row of a place that is to be told something. */
export const PUSH = "a2a.push";

/** By then the work of a row is done, in milliseconds. */
export const WORK_MS = {
  [REFRESH]: LOOK_MS * 2,
  [DELIVER]: SEND_MS * 2,
  [LOOK]: LOOK_MS * 2,
  [PUSH]: PUSH_MS * (PUSHES_AT_ONCE + 1),
};
export type WorkKind = keyof typeof WORK_MS;
export const WORK_KINDS = Object.keys(WORK_MS) as WorkKind[];
