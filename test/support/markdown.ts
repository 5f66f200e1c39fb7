import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dir, "../..");

/** One page of the documentation: its path below the project, and its text. */
export interface Page {
  path: string;
  text: string;
}

export const readPage = (path: string): Page => ({ path, text: readFileSync(join(ROOT, path), "utf8") });

/** Every page that strangers read. */
export const allPages = (): Page[] =>
  ["", "docs", "examples"].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => readPage(join(folder, name))),
  );

/** The shell blocks of a text. */
export const shellBlocks = (text: string): string[] =>
  [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = ""]) => block);

/** The shell blocks between each `<!-- name -->` and `<!-- /name -->`. */
export const markedBlocks = (text: string, name: string): string[] =>
  [...text.matchAll(new RegExp(`<!-- ${name} -->([\\s\\S]*?)<!-- /${name} -->`, "g"))].flatMap(([, part = ""]) =>
    shellBlocks(part),
  );

/** Text outside of blocks and of code between backticks. */
export const proseOf = (text: string): string => text.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "");

/** The anchor that a heading gets. */
const anchorOf = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");

export const anchorsOf = (text: string): string[] =>
  [...text.replace(/^```[\s\S]*?^```$/gm, "").matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));
