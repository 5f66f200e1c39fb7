import { basename } from "node:path";
import type { CliCommand } from "./commands.ts";
import type { Context } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import { safeLine } from "./screen.ts";
import { fieldsText } from "./show.ts";

/** Attachments of messages. */
export function addFileCommands(program: CliCommand): void {
  const files = program.sub("file", "Upload and download attachments", "Channels:");
  files
    .sub("put", "Upload a file; messages carry its id")
    .argument("<path>", "the file on this machine")
    .option("--name <name>", "its name (default: as here)")
    .option("--type <type>", "its media type, such as image/png (default: by its name)")
    .addHelpText(
      "after",
      `\nExample:\n  $ id=$(signalbox file put shot.png --json | jq -r .id)\n  $ signalbox send builder "See this" --payload '{"files":[{"fileId":"'$id'"}]}'`,
    )
    .act(async (context, path: string, facts: { name?: string; type?: string }) => {
      const file = await stored(context, path, facts);
      await context.out.show(file, () => fieldsText(file, context.out));
    });
  files
    .sub("get", "Download a file into this folder, or to --out")
    .argument("<id>", "the file, fil_…")
    .option("--out <path>", "where to write it (default: its name, in this folder); - for stdout")
    .example("file get fil_1a2b3c --out shot.png")
    .act(async ({ client, out }, id: string, { out: path }: { out?: string }) => {
      const { bytes, name, type } = await client.files.get(id);
      if (path === "-") {
        await Bun.write(Bun.stdout, bytes);
        return;
      }
      // The uploader chose the name: it must not leave this folder or replace a file in it.
      const place = path ?? (basename(name.replaceAll("\\", "/")).replace(/^\.+/, "") || "file");
      if (path === undefined && (await Bun.file(place).exists()))
        throw new Stop(EXIT.usage, `${place} is here already: give another path with --out`);
      await Bun.write(place, bytes);
      await out.show({ id, path: place, size: bytes.length, type }, () => `${safeLine(place)}, ${bytes.length} bytes`);
    });
}

/** @throws Stop for a path without a file */
async function stored({ client, settings }: Context, path: string, { name, type }: { name?: string; type?: string }) {
  const bytes = Bun.file(path);
  if (!(await bytes.exists())) throw new Stop(EXIT.usage, `${path} cannot be sent: it is missing or not a file`);
  const facts = { name: name ?? basename(path), type: type ?? bytes.type };
  return client.files.put(bytes, facts, { agentId: settings.agentId });
}

/** Ids of files: those of uploaded ones as they are, and paths after an upload. @throws Stop for a path without a file */
export async function storedFiles(context: Context, words: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const word of words) ids.push(/^fil_[a-z0-9]+$/.test(word) ? word : (await stored(context, word, {})).id);
  return ids;
}
