import { personalFolders } from "../folders.ts";
import { launcherFile, quoted } from "../launcher.ts";

/** Entries that a harness is to have. */
export interface Wiring {
  harness: string;
  /** The relay's address. */
  url: string;
  keysFile: string;
  /** Whether it is told when the agent starts, is asked, and stops. */
  hooks: boolean;
}

/** Our server's name in harnesses. */
export const SERVER = "signalbox";

/** A line for a shell that calls this program, by the launcher. */
export const ownLine = (...words: string[]): string =>
  [launcherFile(personalFolders().signalbox), ...words].map(quoted).join(" ");
