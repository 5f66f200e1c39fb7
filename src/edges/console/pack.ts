import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { lazy } from "../../kernel/lazy.ts";
import { FOLDER } from "../../root.ts";

/** Set in the bundle and the binary; see scripts/build.ts. */
declare const CONSOLE_PACK: string | undefined;

/** A file of the console, base64: compressed in two ways, or plain where compression gains nothing. */
export interface ConsoleFile {
  type: string;
  plain?: string;
  br?: string;
  gzip?: string;
}

/** Files by their path: `index.html`, `assets/….js`. */
export type ConsolePack = Record<string, ConsoleFile>;

interface Encoded {
  bytes: Uint8Array<ArrayBuffer>;
  encoding?: "br" | "gzip";
}

/** The console's files. In the sources they are made at the first request; a program carries them. */
export const loadPack: () => Promise<ConsolePack> = lazy(async () => {
  if (typeof CONSOLE_PACK !== "undefined") return JSON.parse(await readFile(resolve(FOLDER, CONSOLE_PACK), "utf8"));
  // Behind a variable, so that no bundle takes the builder along.
  const builder = resolve(FOLDER, "../scripts/console.ts");
  return (await import(builder)).packConsole().then(({ pack }: { pack: ConsolePack }) => pack);
});

/** The bytes of a file in the best encoding that the browser takes. */
export function encodedFor({ plain, br, gzip = "" }: ConsoleFile, accepted: string): Encoded {
  if (plain !== undefined) return { bytes: bytesOf(plain) };
  if (br !== undefined && /\bbr\b/.test(accepted)) return { bytes: bytesOf(br), encoding: "br" };
  if (/\bgzip\b/.test(accepted)) return { bytes: bytesOf(gzip), encoding: "gzip" };
  return { bytes: new Uint8Array(gunzipSync(bytesOf(gzip))) };
}

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, "base64"));
