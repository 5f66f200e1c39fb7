import { type Client, createClient } from "../../client/client.ts";

/** Means of a play: the prompt, the relay, and lines to the daemon. */
export interface Script {
  text: string;
  /** Number of the turn in its session, from 1. */
  turn: number;
  /** The relay, with a token of the session; null where the daemon gives none. */
  relay: { url: string; token: string } | null;
  /** Writes a line to the daemon. */
  put(line: object): void;
  /** Waits, until an interrupt. */
  pause(ms?: number): Promise<void>;
  /** Asks a person. @returns `allow`, or why not */
  ask(id: string, command: string): Promise<string>;
}

type Play = (script: Script, words: string) => Promise<string | null>;

/** Commands of the demo's agents, for a message that begins with one. */
const PLAYS: Record<string, Play> = {
  echo: async (_, words) => words || "(nothing)",
  context: async ({ text, turn, relay }) =>
    [`Turn ${turn} of this session.`, `The prompt has ${text.length} characters.`, `The relay is ${relay?.url}.`].join(
      " ",
    ),
  history: withRelay(async (relay) => {
    const { items } = await relay.messages.list({ limit: 5 });
    return items.map(({ id, from, to, body }) => `#${id} ${from} → ${to}: ${body.slice(0, 80)}`).join("\n");
  }),
  agents: withRelay(async (relay) => {
    const { items } = await relay.agents.list({ status: "online" });
    return `Online: ${items.map(({ id }) => id).join(", ")}.`;
  }),
  delegate: withRelay(async (relay, words) => {
    const [to = "", ...rest] = words.split(" ");
    const asked = await relay.delegations.ask({ to, text: rest.join(" ") || "Is all well?", timeoutSeconds: 120 });
    const { status, answer } = await relay.delegations.wait(asked.id);
    return answer?.text ? `${to} says: ${answer.text}` : `${to} did not answer: ${status}.`;
  }),
  async trace(script, words) {
    await think(script, `How do I best show my steps for “${words || "this"}”?`);
    await tool(script, "shell", { command: "git status --short" }, " M src/login.ts");
    return "A thought and a tool, as you see above.";
  },
  async approve(script, words) {
    const command = words || "rm -r build";
    await think(script, "This needs somebody's permission.");
    const answer = await script.ask(`ask-${script.turn}`, command);
    if (answer !== "allow") return `I did not run it: ${answer}.`;
    await tool(script, "shell", { command }, "done");
    return `I ran \`${command}\`.`;
  },
  async fail() {
    throw new Error("The compiler stopped with exit code 2.");
  },
  async limit({ put }) {
    put({ type: "limit", window: "5 hours", until: Date.now() + 45 * 60_000 });
    put({ type: "failed", error: "The provider's window of 5 hours is used up.", limited: true });
    return null;
  },
  async stuck({ pause }) {
    // Longer than any demo: neither a word nor a process.
    await pause(24 * 3_600_000);
    return null;
  },
};

/** Plays a command, else some work. @returns the answer; null when the play ended the turn itself */
export function runPlay(script: Script): Promise<string | null> {
  // The envelope quotes what others wrote.
  const [, name = "", words = ""] = [...script.text.matchAll(/^(?:\| )?\/(\w+)[ \t]*(.*)$/gm)].at(-1) ?? [];
  return (PLAYS[name] ?? work)(script, words.trim());
}

function withRelay(play: (relay: Client, words: string) => Promise<string>): Play {
  return async ({ relay }, words) => {
    if (!relay) return "This session has no tools of the relay.";
    return play(createClient({ url: relay.url.replace(/\/mcp$/, ""), token: relay.token }), words);
  };
}

const PATCH = `@@ -14,4 +14,5 @@ export function signIn(name: string) {
   const found = people.find((person) => person.name === name);
-  return found.token;
+  if (!found) return undefined;
+  return found.token;
 }`;

/** Reads, thinks, runs the tests, changes a file, and says so in pieces. */
const work: Play = async (script) => {
  const { put, pause } = script;
  put({ type: "status", text: "Reading the repository" });
  await think(script, "The tests say where to look. I begin with the one that fails most often.");
  await tool(script, "read_file", { path: "src/login.ts" }, "41 lines");
  await tool(script, "shell", { command: "bun test login" }, "4 pass, 1 fail");
  put({ type: "diff", path: "src/login.ts", change: "modified", added: 2, removed: 1, patch: PATCH });
  await tool(script, "shell", { command: "bun test login" }, "5 pass, 0 fail");
  for (const text of [
    "The sign-in ",
    "failed for names ",
    "that nobody has. ",
    "It answers now, and all five tests pass.",
  ]) {
    put({ type: "say", text });
    await pause(400);
  }
  put({
    type: "usage",
    inputTokens: 8_200,
    outputTokens: 640,
    cacheReadTokens: 5_100,
    costUsd: 0.043,
    model: "demo-1",
  });
  return "The sign-in failed for names that nobody has. It answers now, and all five tests pass.";
};

async function think({ put, pause }: Script, text: string): Promise<void> {
  put({ type: "think", text });
  await pause();
}

let tools = 0;

async function tool({ put, pause }: Script, name: string, args: object, result: string): Promise<void> {
  const id = `tool-${++tools}`;
  put({ type: "tool", id, name, args });
  await pause();
  put({ type: "tool-result", id, result });
}
