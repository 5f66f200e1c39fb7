import { basename } from "node:path";
import type { CliCommand } from "./commands.ts";
import { EXIT, Stop } from "./exit.ts";
import { safeLine } from "./screen.ts";
import { fieldsText } from "./show.ts";

/** Attachments. */
export function addFileCommands(program: CliCommand): void {
  const files = program.command("file").description("Put and get attachments").helpGroup("Channels:");
  files
    .command("put")
    .description("Put a file there; its id is what messages carry")
    .argument("<path>", "the file on this machine")
    .option("--name <name>", "what it is called (default: as here)")
    .option("--type <type>", "what it is, image/png (default: by its name)")
    .addHelpText(
      "after",
      `\nExample:\n  $ id=$(signalbox file put shot.png --json | jq -r .id)\n  $ signalbox send builder "See this" --payload '{"files":[{"fileId":"'$id'"}]}'`,
    )
    .act(async ({ client, settings, out }, path: string, { name, type }: { name?: string; type?: string }) => {
      const bytes = Bun.file(path);
      if (!(await bytes.exists())) throw new Stop(EXIT.usage, `${path} cannot be sent: it is missing or not a file`);
      const facts = { name: name ?? basename(path), type: type ?? bytes.type };
      const file = await client.files.put(bytes, facts, { agentId: settings.agentId });
      await out.show(file, () => fieldsText(file, out));
    });
  files
    .command("get")
    .description("Get a file, into this folder or where --out says")
    .argument("<id>", "the file, fil_…")
    .option("--out <path>", "where to write it (default: its name, in this folder); - for stdout")
    .example("file get fil_1a2b3c --out shot.png")
    .act(async ({ client, out }, id: string, { out: path }: { out?: string }) => {
      const { bytes, name, type } = await client.files.get(id);
      if (path === "-") {
        await Bun.write(Bun.stdout, bytes);
        return;
      }
      // The name is somebody else's: it must not lead out of here, nor replace what is here.
      const place = path ?? (basename(name.replaceAll("\\", "/")).replace(/^\.+/, "") || "file");
      if (path === undefined && (await Bun.file(place).exists()))
        throw new Stop(EXIT.usage, `${place} is here already: say where with --out`);
      await Bun.write(place, bytes);
      await out.show({ id, path: place, size: bytes.length, type }, () => `${safeLine(place)}, ${bytes.length} bytes`);
    });
}
