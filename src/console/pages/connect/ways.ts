import type { TokenDraft } from "../../../protocol/tokens.ts";

/** A line's surroundings: the relay as this browser sees it, the name chosen, and the fresh token. */
interface Given {
  url: string;
  name: string;
  token: string;
}

/** One way to connect something to the relay by a copied line. */
export interface Way {
  id: string;
  title: string;
  /** Place for the line, as a sentence. */
  where: string;
  /** Meaning of the name. */
  names: string;
  /** First name to suggest. */
  suggests: string;
  /** Agent that arrives. */
  agentId(name: string): string;
  /** Rights of the line's token: as few as it needs. */
  token(name: string): TokenDraft;
  line(given: Given): string;
}

/** Text as one word of a POSIX shell. */
const quoted = (text: string): string => (/^[\w.:/@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

const own = (name: string): string => name;
const forAgent = (agentId: string): TokenDraft => ({ role: "agent", agentId, name: "a line of the console" });

/** The program, with the relay and the token in its environment: other users of a machine see the words of a command. */
const program = (url: string, token: string, words: string): string =>
  `SIGNALBOX_URL=${quoted(url)} SIGNALBOX_TOKEN=${quoted(token)} npx signalbox ${words}`;

const harness = (id: string, title: string): Way => ({
  ...{ id, title, names: "Name of the agent", suggests: id, agentId: own, token: forAgent },
  where: `In the folder where ${title} works:`,
  line: ({ url, token }) => program(url, token, `connect ${id}`),
});

const telegramId = (name: string): string => `telegram:${name}`;

/** Ways to connect, the most used first. */
export const WAYS: readonly Way[] = [
  harness("claude", "Claude Code"),
  harness("codex", "Codex"),
  harness("gemini", "Gemini CLI"),
  {
    ...{ id: "curl", title: "curl", names: "Name of the agent", suggests: "ann", agentId: own, token: forAgent },
    where: "Anywhere. It registers an agent, and speaks for it from then on:",
    line: ({ url, name, token }) =>
      [
        `curl -sS -X PUT ${quoted(`${url}/v1/agents/${name}`)} -H 'Authorization: Bearer ${token}'`,
        `-H 'Content-Type: application/json' -d '{"name":"${name}"}'`,
      ].join(" "),
  },
  {
    ...{ id: "telegram", title: "Telegram", names: "Name of the channel", suggests: "desk", agentId: telegramId },
    where: "On a machine that stays on, with a bot's token from @BotFather. It runs until Ctrl-C:",
    token: (name) => forAgent(telegramId(name)),
    line: ({ url, name, token }) =>
      [
        "SIGNALBOX_TELEGRAM_TOKEN='<from @BotFather>'",
        program(url, token, `channel run telegram --account ${quoted(name)}`),
      ].join(" "),
  },
  {
    ...{ id: "machine", title: "A machine", names: "Name of the machine", suggests: "box" },
    where: "On the machine that starts agents for you. It runs until Ctrl-C:",
    agentId: (name) => `orchestrator-${name}`,
    token: (name) => ({
      ...{ role: "orchestrator", agentId: `orchestrator-${name}`, prefix: `${name}-` },
      name: "a line of the console",
    }),
    line: ({ url, name, token }) =>
      [program(url, token, `orchestrator init --id ${quoted(name)}`), "npx signalbox orchestrator"].join(" && "),
  },
];

/** The first of `x`, `x-2`, `x-3`, … that nobody has. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  for (let n = 1; ; n++) {
    const one = n === 1 ? name : `${name}-${n}`;
    if (!taken.has(one)) return one;
  }
}
