/** Longest details that are shown as text as well. */
const MAX_DETAILS = 50_000;
const MAX_ERROR = 4000;

type Members = Record<string, unknown>;

/** Output of a tool, in the one form that viewers get: its text, and its details beside it. */
export type ToolOutput = { text?: string } & Members;

export const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Normalises the result of a tool: text as it is, blocks of text (MCP, Anthropic) joined by newlines, and the members of
 * `details`, or of the object itself when it has neither.
 */
export function toolOutput(result: unknown): ToolOutput {
  if (result === undefined || result === null) return {};
  if (typeof result === "string") return { text: result };
  if (!isObject(result)) return textOfBlocks(result) ?? { text: JSON.stringify(result) };
  const { content, details } = result;
  if (content === undefined && details === undefined) return withText({}, result);
  return withText(textOfBlocks(content) ?? {}, isObject(details) ? details : {});
}

function withText(text: { text?: string }, details: Members): ToolOutput {
  if (text.text !== undefined || Object.keys(details).length === 0) return { ...text, ...details };
  const json = JSON.stringify(details);
  return json.length > MAX_DETAILS ? { ...details } : { text: json, ...details };
}

function textOfBlocks(content: unknown): { text: string } | undefined {
  if (typeof content === "string") return { text: content };
  if (!Array.isArray(content)) return undefined;
  const texts = content.flatMap((block) => (isObject(block) && typeof block.text === "string" ? [block.text] : []));
  return texts.length > 0 ? { text: texts.join("\n") } : undefined;
}

/** Text of a tool's failure. */
export function toolError(result: unknown): string {
  const { text, ...details } = toolOutput(result);
  const stated = isObject(result)
    ? (errorText(result.details) ?? errorText({ ...result, message: undefined }))
    : undefined;
  const hasOwnText = isObject(result) ? textOfBlocks(result.content) !== undefined : text !== undefined;
  return (hasOwnText && text) || stated || errorText(details) || "Tool execution failed";
}

/**
 * Text of a failure: its `error`, `message` or `errorMessage`. Of a provider's answer, such as `402 {"error":{...}}`, the
 * message inside.
 */
export function errorText(error: unknown): string | undefined {
  if (typeof error === "string") return cut(fromAnswer(error.trim()));
  if (!isObject(error)) return undefined;
  for (const one of [error.error, error.message, error.errorMessage]) {
    const text = errorText(one);
    if (text !== undefined) return text;
  }
  return undefined;
}

function fromAnswer(raw: string): string {
  const json = /^(?:\d{3}\s+)?(\{.*\})$/s.exec(raw)?.[1];
  if (json === undefined) return raw;
  try {
    return errorText(JSON.parse(json)) ?? raw;
  } catch {
    // Not JSON: then it is the text.
    return raw;
  }
}

const cut = (text: string): string | undefined =>
  text === "" ? undefined : text.length > MAX_ERROR ? `${text.slice(0, MAX_ERROR).toWellFormed()}…` : text;
