/** A line that a person typed. */
export type Typed =
  | { do: "send"; text: string }
  | { do: "interrupt" | "peek" | "detach" | "help" | "nothing" }
  | { do: "kill"; reason: string | undefined }
  | { do: "answer"; decision: "allow" | "deny"; number: number | undefined; option: string | undefined; text: string }
  | { do: "unknown"; word: string };

export const HELP = [
  "/interrupt           stop the turn, and keep the session",
  "/peek                ask a copy what it does",
  "/kill [reason]       end its process",
  "/approve [n] [option] [text]   answer what it asks",
  "/deny [n]            refuse it",
  "/detach              leave; the session goes on",
  "//text               say a text that begins with /",
];

export const WORDS = ["/interrupt", "/peek", "/kill", "/approve", "/deny", "/detach", "/help"];

/** Reads a line: a text for the session, or a command that begins with a slash. */
export function readTyped(line: string): Typed {
  const text = line.trim();
  if (text === "") return { do: "nothing" };
  if (text.startsWith("//")) return { do: "send", text: text.slice(1) };
  if (!text.startsWith("/")) return { do: "send", text: line };
  const [word = "", ...rest] = text.split(/\s+/);
  switch (word) {
    case "/interrupt":
    case "/peek":
    case "/detach":
    case "/help":
      return { do: word.slice(1) as "interrupt" | "peek" | "detach" | "help" };
    case "/kill":
      return { do: "kill", reason: rest.join(" ") || undefined };
    case "/approve":
      return answerIn("allow", rest);
    case "/deny":
      return answerIn("deny", rest);
    default:
      return { do: "unknown", word };
  }
}

function answerIn(decision: "allow" | "deny", words: string[]): Typed {
  const isNumber = /^\d{1,6}$/.test(words[0] ?? "");
  const [option, ...text] = isNumber ? words.slice(1) : words;
  return { do: "answer", decision, number: isNumber ? Number(words[0]) : undefined, option, text: text.join(" ") };
}
