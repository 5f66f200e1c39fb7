import { Paperclip } from "lucide-react";
import type { Message } from "../../../protocol/messages.ts";
import { plainly } from "./body.tsx";

interface Carried {
  fileId: string;
  name: string;
  type: string;
}

const ID = /^fil_[\w-]+$/;
const SHOWN = /^image\/(png|jpeg|gif|webp|avif)$/;

function filesOf(payload: Message["payload"]): Carried[] {
  const files: unknown[] = Array.isArray(payload?.files) ? payload.files : [];
  return files.flatMap((one) => {
    const { fileId, name, type } = (one ?? {}) as Record<string, unknown>;
    if (typeof fileId !== "string" || !ID.test(fileId)) return [];
    return [{ fileId, name: typeof name === "string" ? name : fileId, type: typeof type === "string" ? type : "" }];
  });
}

/** Files of a message: images are shown, the others are links. */
export function Attached({ payload }: Pick<Message, "payload">) {
  const files = filesOf(payload);
  if (files.length === 0) return null;
  return (
    <ul className="mt-2 flex flex-wrap gap-3">
      {files.map(({ fileId, name, type }) => (
        <li key={fileId}>
          <a href={`/v1/files/${fileId}`} download={name} className="flex items-center gap-1 text-accent underline">
            {SHOWN.test(type) ? (
              <img src={`/v1/files/${fileId}`} alt={plainly(name)} className="max-h-60 max-w-full rounded-control" />
            ) : (
              <>
                <Paperclip className="size-3" aria-hidden="true" />
                {plainly(name)}
              </>
            )}
          </a>
        </li>
      ))}
    </ul>
  );
}
