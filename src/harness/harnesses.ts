/** Agent CLIs that `connect` configures. */
export const HARNESSES = ["claude", "codex", "gemini", "qwen", "opencode"] as const;
export type Harness = (typeof HARNESSES)[number];

const TITLES: Record<Harness, string> = {
  claude: "Claude Code",
  codex: "Codex",
  gemini: "Gemini CLI",
  qwen: "Qwen Code",
  opencode: "OpenCode",
};
export const titleOf = (harness: Harness): string => TITLES[harness];

/** Our names of the hook events. */
export const HOOK_EVENTS = ["session-start", "prompt", "stop"] as const;
export type HookEvent = (typeof HOOK_EVENTS)[number];

interface HookStyle {
  /** The harness's names of the events. */
  events: Record<HookEvent, string>;
  /** Time limit of a hook in the harness's unit. */
  timeout: number;
  /**
   * The reason of a stop hook reaches the model as its user's words and nowhere else, so it may carry text by others.
   * Claude Code 2.1.332 repeats it in the role `system`.
   */
  stopIsUsers: boolean;
}

const SECONDS = 10;
const CLAUDE_EVENTS = { "session-start": "SessionStart", prompt: "UserPromptSubmit", stop: "Stop" };
const GEMINI_EVENTS = { "session-start": "SessionStart", prompt: "BeforeAgent", stop: "AfterAgent" };

/** Harnesses with hooks that a command answers. All of them read the same answers. */
export const HOOK_STYLES = {
  claude: { events: CLAUDE_EVENTS, timeout: SECONDS, stopIsUsers: false },
  codex: { events: CLAUDE_EVENTS, timeout: SECONDS, stopIsUsers: true },
  gemini: { events: GEMINI_EVENTS, timeout: SECONDS * 1000, stopIsUsers: true },
  qwen: { events: CLAUDE_EVENTS, timeout: SECONDS, stopIsUsers: false },
} satisfies Partial<Record<Harness, HookStyle>>;
export type HookHarness = keyof typeof HOOK_STYLES;
export const HOOK_HARNESSES = Object.keys(HOOK_STYLES) as HookHarness[];

export const hasHooks = (harness: Harness): harness is HookHarness => harness in HOOK_STYLES;
