import { homedir } from "node:os";
import { join } from "node:path";

/** An empty variable counts as unset. */
const given = (name: string): string | undefined => process.env[name] || undefined;

/** Configuration folders of the person at this machine: ours, and those of the harnesses. */
export function personalFolders() {
  const home = given("HOME") ?? homedir();
  const config = given("XDG_CONFIG_HOME") ?? join(home, ".config");
  return {
    claude: given("CLAUDE_CONFIG_DIR") ?? join(home, ".claude"),
    /** Claude Code keeps a user's servers beside its folder, unless the folder was moved. */
    claudeState: join(given("CLAUDE_CONFIG_DIR") ?? home, ".claude.json"),
    codex: given("CODEX_HOME") ?? join(home, ".codex"),
    gemini: join(home, ".gemini"),
    qwen: join(home, ".qwen"),
    opencode: join(config, "opencode"),
    signalbox: join(config, "signalbox"),
  };
}
