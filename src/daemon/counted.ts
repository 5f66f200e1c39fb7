/** Number with its noun, which has an s or an ending of its own after every number but 1. */
export const counted = (count: number, noun: string, several = `${noun}s`): string =>
  `${count} ${count === 1 ? noun : several}`;
