import { personalFolders } from "../folders.ts";
import { launcherFile, quoted } from "../launcher.ts";

/** Entries that `connect` writes for an agent. */
export interface Wiring {
  harness: string;
  /** The relay's address. */
  url: string;
  keysFile: string;
  /** Whether the harness calls us when the agent starts, gets a prompt, and stops. */
  hooks: boolean;
}

/** Name of our MCP server in the files of harnesses. */
export const SERVER = "signalbox";

/** Shell line that calls this program through the launcher. */
export const ownLine = (...words: string[]): string =>
  [launcherFile(personalFolders().signalbox), ...words].map(quoted).join(" ");
