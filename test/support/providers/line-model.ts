import { existsSync, writeFileSync } from "node:fs";
import { type ScriptedModel, type Step, scriptedAnthropic } from "../scripted-models.ts";
import { scriptOf } from "./script.ts";

interface Block {
  type: string;
  text?: string;
  name?: string;
  content?: string | Block[];
}
interface Message {
  role: string;
  content: string | Block[];
}
interface Line {
  word: string;
  rest: string;
}

const blocksOf = ({ content }: Message): Block[] =>
  typeof content === "string" ? [{ type: "text", text: content }] : content;
const textsOf = (message: Message): string[] => blocksOf(message).flatMap(({ text }) => text ?? []);
const linesIn = (text: string): Line[] =>
  scriptOf(text).flatMap((line) => {
    const [, word, rest = ""] = /^(say|run|ask|delegate|recall|give|fail|limit)\b ?(.*)$/.exec(line) ?? [];
    return word && !(word === "limit" && rest !== "" && existsSync(rest)) ? [{ word, rest }] : [];
  });
/** Lines of the newest text: one message holds several prompts where no answer came between them. */
const linesOf = (message: Message): Line[] =>
  (message.role === "user" &&
    textsOf(message)
      .map(linesIn)
      .findLast(({ length }) => length > 0)) ||
  [];

/** Name of a tool call that a message of the model holds. */
const callIn = (message: Message): string[] =>
  message.role === "assistant"
    ? blocksOf(message).flatMap(({ type, name }) => (type === "tool_use" && name) || [])
    : [];

/** Text of the newest result of a tool. Claude Code shows the data of an MCP server's answer, with the text in it. */
function resultIn(messages: readonly Message[]): string {
  const content = messages.flatMap(blocksOf).findLast(({ type }) => type === "tool_result")?.content ?? "";
  const text = typeof content === "string" ? content : textsOf({ role: "user", content }).join("\n");
  return text.startsWith('{"text":') ? JSON.parse(text).text : text;
}

/**
 * Model that plays the lines of the newest prompt, as the contract of providers writes them: one tool a request. `delegate AGENT TEXT`
 * asks another agent by the relay's tools and says its answer; `limit PATH` is met once.
 * @param shell the CLI's tool for commands
 */
export const lineModel = (shell = "Bash"): ScriptedModel =>
  scriptedAnthropic((request) => {
    const { messages } = JSON.parse(request) as { messages: Message[] };
    if (textsOf(messages.at(-1) as Message).some((text) => text.startsWith("Look at the work of this session")))
      return { text: `So far: ${messages.flatMap(callIn).join(", ")}` };
    const at = messages.findLastIndex((message) => linesOf(message).length > 0);
    const prompt = messages[at];
    const since = messages.slice(at + 1);
    const calls = since.flatMap(callIn).filter((name) => name !== STATUS);
    const left = prompt ? linesOf(prompt).slice(calls.length) : [];
    // Prompts that waited together are one text: it says the last thing that it is to say.
    const said = left.slice(0, left.findIndex(({ word }) => word !== "say") >>> 0).at(-1);
    const line = said ?? left[0] ?? { word: calls.at(-1) === DELEGATE ? "wait" : "say", rest: "ok" };
    return answerTo(line, { shell, earlier: messages.slice(0, at), result: resultIn(since) });
  });

const DELEGATE = "mcp__signalbox__delegate";
const STATUS = "mcp__signalbox__status";
const WAIT_SECONDS = 25;

interface Before {
  shell: string;
  earlier: Message[];
  result: string;
}

function answerTo({ word, rest }: Line, { shell, earlier, result }: Before): ReturnType<Step> {
  if (word === "run" || word === "ask") return { tool: shell, input: { command: rest, description: "Run it" } };
  if (word === "give") return { tool: "StructuredOutput", input: JSON.parse(rest) };
  if (word === "fail") return { status: 400, error: "invalid_request_error" };
  if (word === "limit") return limited(rest);
  if (word === "recall") return { text: earlier.flatMap(textsOf).join("\n").includes(rest) ? "yes" : "no" };
  if (word === "delegate") {
    const [, to = "", text = ""] = /^(\S+) (.*)$/.exec(rest) ?? [];
    return { tool: DELEGATE, input: { to, text: text.replaceAll("\\n", "\n"), wait: WAIT_SECONDS } };
  }
  if (word !== "wait") return { text: rest };
  const [, open] = /(dlg_\w+) to \S+ is (?:pending|claimed)/.exec(result) ?? [];
  if (open) return { tool: STATUS, input: { delegation: open, wait: WAIT_SECONDS } };
  return { text: scriptOf(result).join("\n") };
}

const HOUR_S = 3600;

/** Refusal of a subscription, whose time the provider names. */
function limited(path: string): ReturnType<Step> {
  if (path !== "") writeFileSync(path, "");
  const reset = String(Math.floor(Date.now() / 1000) + HOUR_S);
  const unified = { status: "rejected", reset, "representative-claim": "five_hour" };
  const named = Object.entries(unified).map(([name, value]) => [`anthropic-ratelimit-unified-${name}`, value]);
  return { status: 429, error: "rate_limit_error", headers: Object.fromEntries(named) };
}
