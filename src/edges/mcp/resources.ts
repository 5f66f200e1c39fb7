import type { Message } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import { PREFACE } from "../envelope/envelope.ts";
import { lettersIn } from "../envelope/letters.ts";
import { readInbox } from "./inbox.ts";
import { type AgentCaller, envelopesFor, type McpAreas, type Turn } from "./services.ts";

/** The caller's own inbox. Other inboxes have no URI. */
export const INBOX_URI = "signalbox://inbox";
const THREAD_URI = /^signalbox:\/\/threads\/([1-9]\d{0,14})$/;

export const threadUri = (id: number): string => `signalbox://threads/${id}`;

const TOKENS = 4000;
const THREAD_MESSAGES = 100;
const mimeType = "text/plain";

export const RESOURCES = [{ uri: INBOX_URI, name: "inbox", description: "Your unread messages.", mimeType }] as const;
export const TEMPLATES = [
  { uriTemplate: "signalbox://threads/{id}", name: "thread", description: "A thread, newest messages.", mimeType },
] as const;

/** Text of a resource; undefined for an unknown one. @throws Problem 403, 404 */
export async function readResource(areas: McpAreas, turn: Turn, uri: string): Promise<string | undefined> {
  if (uri === INBOX_URI) return (await readInbox(areas, turn, TOKENS)).text;
  const id = threadOf(uri);
  return id === undefined ? undefined : readThread(areas, turn, id);
}

/** Tells whether the caller may follow a resource. */
export async function mayFollow(areas: McpAreas, caller: AgentCaller, uri: string): Promise<boolean> {
  if (uri === INBOX_URI) return true;
  const id = threadOf(uri);
  if (id === undefined) return false;
  try {
    await areas.kernel.db.read((on) => areas.core.messages.readers.thread(on, caller, id, { after: 0, limit: 1 }));
    return true;
  } catch (error) {
    if (error instanceof Problem && (error.status === 403 || error.status === 404)) return false;
    throw error;
  }
}

const threadOf = (uri: string): number | undefined => {
  const match = THREAD_URI.exec(uri);
  return match ? Number(match[1]) : undefined;
};

async function readThread(areas: McpAreas, turn: Turn, id: number): Promise<string> {
  const wish = { thread: id, level: 1, limit: THREAD_MESSAGES };
  const { items, next } = await areas.kernel.db.read((on) => areas.traces.history.page(on, turn.caller, wish));
  if (items.length === 0) throw new Problem("not-found", `There is no thread ${id} for you.`);
  const letters = await lettersIn(items);
  const envelopes = envelopesFor(areas, turn);
  const share = Math.max(120, Math.floor(TOKENS / letters.length));
  const shown: string[] = [];
  for (let i = letters.length - 1, left = TOKENS; i >= 0 && left >= share; i--, left -= share)
    shown.unshift(envelopes.message(letters[i] as Message, { tokens: share }).text);
  const hidden = letters.length - shown.length;
  const more = hidden > 0 || next !== null ? `\nOlder ones are not shown: history {"thread":${id}}.` : "";
  return `${PREFACE}\n${shown.join("\n")}${more}`;
}
