import { afterEach } from "bun:test";

const opened: (() => Promise<void>)[] = [];

// Named as a preload in bunfig.toml: a hook of a module that several test files import counts for the first of them alone.
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** Runs after the test, newest first. */
export const atEnd = (close: () => Promise<void>): number => opened.push(close);
