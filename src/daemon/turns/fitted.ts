import { RelayProblem } from "../../client/errors.ts";
import { headOf } from "../../client/text.ts";
import { untilAnswered } from "../../client/until-answered.ts";
import { BODY_BYTES } from "../../protocol/limits.ts";
import type { Services } from "../services.ts";

/** Characters of one text in a request, as JSON. */
const JSON_CHARS = 2 * 1024 * 1024;
/** Beginning of a text that is longer than fits: as much as a run keeps of its result. */
const HEAD_BYTES = 99_000;
/** Files of one answer. */
const MAX_FILES = 32;
const NAME = "answer.md";

/** Whether the relay takes a text as the result of a run. */
export const isResult = (text: string): boolean => JSON.stringify(text).length <= JSON_CHARS;
/** Whether the relay takes a text as the body of a message. */
export const isBody = (text: string): boolean => Buffer.byteLength(text) <= BODY_BYTES;

interface Said {
  agentId: string;
  text: string;
  /** Ids of files that go along. */
  files: readonly string[];
  isFit(text: string): boolean;
}

/** A text that the relay takes, with its files. A longer one goes whole as a file, and its beginning says so. */
export async function fitted(
  services: Services,
  { agentId, text, files, isFit }: Said,
): Promise<{ text: string; files: string[] }> {
  if (isFit(text)) return { text, files: files.slice(0, MAX_FILES) };
  const bytes = new TextEncoder().encode(text);
  const id = await uploaded(services, agentId, bytes);
  const where = id === undefined ? `the whole has ${bytes.length} bytes` : `the whole is the file ${NAME}`;
  return {
    text: `${headOf(text, HEAD_BYTES)}\n\n[Cut: ${where}]`,
    files: [...(id === undefined ? [] : [id]), ...files].slice(0, MAX_FILES),
  };
}

async function uploaded(
  { link, time, life, log }: Services,
  agentId: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string | undefined> {
  const { files } = link.of(agentId).client;
  try {
    const put = () => files.put(bytes, { name: NAME, type: "text/markdown" }, { agentId });
    return (await untilAnswered(time, put, life)).id;
  } catch (error) {
    if (!(error instanceof RelayProblem)) throw error;
    log(`A long answer of ${agentId} could not be stored as a file: ${error.message}`);
    return undefined;
  }
}
