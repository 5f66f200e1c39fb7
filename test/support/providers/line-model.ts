import { type ScriptedModel, scriptedAnthropic } from "../scripted-models.ts";

interface Message {
  role: string;
  content: string | { type: string; text?: string }[];
}
interface Line {
  word: string;
  rest: string;
}

const textsOf = ({ content }: Message): string[] =>
  typeof content === "string" ? [content] : content.flatMap(({ text }) => text ?? []);
const linesIn = (text: string): Line[] =>
  text.split("\n").flatMap((line) => {
    const [, word, rest = ""] = /^(say|run|ask|recall|give|fail|limit)\b ?(.*)$/.exec(line) ?? [];
    return word ? [{ word, rest }] : [];
  });
/** Lines of the newest text: one message holds several prompts where no answer came between them. */
const linesOf = (message: Message): Line[] =>
  (message.role === "user" &&
    textsOf(message)
      .map(linesIn)
      .findLast(({ length }) => length > 0)) ||
  [];

/** Model that plays the lines of the newest prompt, as the contract of providers writes them: one tool a request. */
export const lineModel = (): ScriptedModel =>
  scriptedAnthropic((request) => {
    const { messages } = JSON.parse(request) as { messages: Message[] };
    const at = messages.findLastIndex((message) => linesOf(message).length > 0);
    const prompt = messages[at];
    const calls = messages.slice(at + 1).filter(({ role, content }) => {
      return role === "assistant" && typeof content !== "string" && content.some(({ type }) => type === "tool_use");
    });
    const left = prompt ? linesOf(prompt).slice(calls.length) : [];
    // Prompts that waited together are one text: it says the last thing that it is to say.
    const said = left.slice(0, left.findIndex(({ word }) => word !== "say") >>> 0).at(-1);
    const { word, rest } = said ?? left[0] ?? { word: "say", rest: "ok" };
    if (word === "run" || word === "ask") return { tool: "Bash", input: { command: rest } };
    if (word === "give") return { tool: "StructuredOutput", input: JSON.parse(rest) };
    if (word === "fail") return { status: 400, error: "invalid_request_error" };
    if (word === "limit") return { status: 429, error: "rate_limit_error" };
    if (word !== "recall") return { text: rest };
    const earlier = messages.slice(0, at).flatMap(textsOf).join("\n");
    return { text: earlier.includes(rest) ? "yes" : "no" };
  });
