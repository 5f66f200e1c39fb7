import { join } from "node:path";
import { SETTINGS } from "../src/settings.ts";

/** Writes the table of settings into docs/configuration.md, from what the program itself checks: `bun scripts/settings-table.ts`. */
const FILE = join(import.meta.dir, "../docs/configuration.md");

/** One row for each setting. */
export function settingsTable(): string {
  return Object.entries(SETTINGS)
    .map(([name, { schema, about }]) => {
      const fallback = schema.safeParse(undefined).data;
      return `| \`${name}\` | ${fallback === undefined || `${fallback}` === "" ? "" : `\`${fallback}\``} | ${about} |`;
    })
    .join("\n");
}

/** The page with the table that belongs into it. */
export function withSettings(page: string): string {
  return page.replace(/(<!-- settings -->\n)[\s\S]*?(<!-- \/settings -->)/, `$1${settingsTable()}\n$2`);
}

if (import.meta.main) await Bun.write(FILE, withSettings(await Bun.file(FILE).text()));
