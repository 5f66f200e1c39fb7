import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import type { Provenance, TurnInput } from "../provider.ts";

const IMAGES: Readonly<Record<string, string>> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
};
/** Largest image that the model's API takes. */
const IMAGE_BYTES = 5 * 1024 * 1024;

/**
 * Line that gives a text to the CLI. `client_composed`: no command and no path in it is followed; `origin`: an unattributed text
 * passes for nobody's.
 * @param priority `later` waits for the turn's end; without it the text is folded into the turn at its next tool
 */
export async function userLine(input: TurnInput, priority: "later" | null): Promise<object> {
  const images = (await Promise.all(input.images.map(imageBlock))).filter((block) => block !== null);
  return {
    type: "user",
    uuid: input.id,
    session_id: "",
    parent_tool_use_id: null,
    origin: originOf(input.provenance),
    client_composed: true,
    ...(priority && { priority }),
    message: {
      role: "user",
      content: images.length === 0 ? input.text : [{ type: "text", text: input.text }, ...images],
    },
  };
}

function originOf({ kind, from }: Provenance): object {
  if (kind === "human") return { kind };
  if (kind === "channel") return { kind, server: from };
  if (kind === "schedule") return { kind: "task-notification", subkind: "scheduled-trigger" };
  return { kind: "peer", from };
}

/** null for a file that is no image to the API, or not there: the text names it as well. */
async function imageBlock(path: string): Promise<object | null> {
  const type = IMAGES[extname(path).toLowerCase()];
  const bytes = type ? await readFile(path).catch(() => null) : null;
  if (!bytes || bytes.length > IMAGE_BYTES) return null;
  return { type: "image", source: { type: "base64", media_type: type, data: bytes.toString("base64") } };
}
