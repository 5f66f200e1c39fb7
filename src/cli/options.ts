import { readFileSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import { systemReason } from "../harness/system-errors.ts";
import { MESSAGE_KINDS } from "../protocol/limits.ts";
import type { MessageKind } from "../protocol/messages.ts";
import { longNumbers } from "../protocol/numbers.ts";
import { EXIT, Stop } from "./exit.ts";

// Parsers of option values. A refused value is wrong usage, which commander reports with the option's name.

/** A value that is not empty. A variable that is not set leaves an empty one, which would select another relay, caller or agent. */
export function filled(value: string): string {
  if (value.trim() === "") throw new InvalidArgumentError("It has to be something: is a variable not set?");
  return value;
}

export function wholeNumber(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new InvalidArgumentError("It has to be a whole number.");
  return Number(value);
}

export function positive(value: string): number {
  const number = wholeNumber(value);
  if (number === 0) throw new InvalidArgumentError("It has to be at least 1.");
  return number;
}

export function integer(value: string): number {
  if (!/^-?\d{1,9}$/.test(value)) throw new InvalidArgumentError("It has to be a whole number.");
  return Number(value);
}

export function jsonValue(value: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return unchanged(value, parsed);
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw error;
  }
  throw new InvalidArgumentError("It has to be a JSON object.");
}

/** Refuses numbers that parsing changed: the relay cannot see that any more. */
function unchanged(text: string, parsed: object): Record<string, unknown> {
  const [long] = longNumbers(text, parsed);
  if (long) throw new InvalidArgumentError(`${long.pointer} ${long.message}.`);
  return { ...parsed };
}

export const collect = (value: string, list: string[] = []): string[] => [...list, value];

export function messageKind(value: string): MessageKind {
  const kind = MESSAGE_KINDS.find((known) => known === value);
  if (!kind) throw new InvalidArgumentError(`Allowed choices are ${MESSAGE_KINDS.join(", ")}.`);
  return kind;
}

export const collectKinds = (value: string, list: MessageKind[] = []): MessageKind[] => [...list, messageKind(value)];

const NO_TEXT = "No text: give it, or pipe it in";

/** Text of an argument; stdin for `-`, or for a missing argument when stdin is piped. */
export async function textOrStdin(text: string | undefined): Promise<string> {
  if (text !== undefined && text !== "-") return text;
  if (text === undefined && process.stdin.isTTY) throw new Stop(EXIT.usage, NO_TEXT);
  const piped = (await Bun.stdin.text()).replace(/\r?\n$/, "");
  if (text === undefined && piped === "") throw new Stop(EXIT.usage, NO_TEXT);
  return piped;
}

/** Secret in a file, without the white space around it. */
export function secretIn(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new Stop(EXIT.usage, `${file} cannot be read: ${systemReason(error) ?? error}`);
  }
}
