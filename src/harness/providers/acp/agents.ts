/** An agent that speaks the Agent Client Protocol. */
export interface AcpAgent {
  /** Name of the provider in the daemon's configuration. */
  name: string;
  title: string;
  /** Its command, as its maker says. */
  words: readonly [string, ...string[]];
  /** Sentence for a person who does not have it. */
  install: string;
}

const npm = (name: string): string => `npm install -g ${name}`;

/** Agents that are known by name. Others are started by the words that the operator sets. */
export const ACP_AGENTS: readonly AcpAgent[] = [
  { name: "gemini", title: "Gemini CLI", words: ["gemini", "--acp"], install: npm("@google/gemini-cli") },
  { name: "qwen", title: "Qwen Code", words: ["qwen", "--acp"], install: npm("@qwen-code/qwen-code") },
  { name: "opencode", title: "OpenCode", words: ["opencode", "acp"], install: npm("opencode-ai") },
  { name: "goose", title: "Goose", words: ["goose", "acp"], install: "see block.github.io/goose" },
  { name: "copilot", title: "Copilot CLI", words: ["copilot", "--acp", "--stdio"], install: npm("@github/copilot") },
  { name: "cursor", title: "Cursor CLI", words: ["cursor-agent", "acp"], install: "see cursor.com/cli" },
  { name: "kimi", title: "Kimi CLI", words: ["kimi", "acp"], install: "uv tool install kimi-cli" },
  {
    ...{ name: "droid", title: "Droid", words: ["droid", "exec", "--output-format", "acp"] },
    install: "see docs.factory.ai",
  },
  { name: "grok", title: "Grok", words: ["grok", "agent", "stdio"], install: "see docs.x.ai" },
  { name: "kiro", title: "Kiro CLI", words: ["kiro-cli-chat", "acp"], install: "see kiro.dev" },
  { name: "qoder", title: "Qoder CLI", words: ["qodercli", "--acp"], install: "see qoder.com" },
  { name: "kilo", title: "Kilo Code", words: ["npx", "-y", "@kilocode/cli", "acp"], install: "install Node, for npx" },
  { name: "auggie", title: "Auggie", words: ["auggie", "--acp"], install: npm("@augmentcode/auggie") },
  { name: "pi", title: "Pi", words: ["npx", "pi-acp"], install: npm("pi-acp") },
  { name: "openclaw", title: "OpenClaw", words: ["openclaw", "acp"], install: npm("openclaw") },
  { name: "trae", title: "Trae CLI", words: ["traecli", "acp", "serve"], install: "see trae.ai" },
  { name: "mux", title: "Mux", words: ["mux", "acp"], install: npm("mux") },
  { name: "pool", title: "Pool", words: ["pool", "acp"], install: "see its maker's pages" },
];
