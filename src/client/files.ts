import { z } from "zod";
import { StoredFile } from "../protocol/files.ts";
import { type Caller, part } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Large files take their time. */
const TIMEOUT_MS = 600_000;

/** What a file is to be called, and what it is. */
export interface FileFacts {
  name?: string;
  /** `image/png`, ... */
  type?: string;
}

export interface DownloadedFile {
  bytes: Uint8Array;
  name: string;
  /** As it is served: what is not harmless comes as application/octet-stream. */
  type: string;
}

/** The verbs on attachments. */
export function fileVerbs({ ask, transport }: Caller) {
  return {
    /** The answer's `id` is what messages carry: `payload: { files: [{ fileId }] }`. Sent twice it is stored once. */
    put(bytes: Blob | Uint8Array<ArrayBuffer>, { name, type }: FileFacts = {}, call?: Call): Promise<StoredFile> {
      const upload = { bytes, type: type || "application/octet-stream" };
      const query = { name, agentId: call?.agentId };
      return ask(
        { method: "POST", path: "/v1/files", query, upload, answer: StoredFile, repeatable: true },
        { timeoutMs: TIMEOUT_MS, ...call },
      );
    },

    async get(id: string, call?: Call): Promise<DownloadedFile> {
      const { value, headers } = await transport.exchange(
        {
          ...{ method: "GET", path: `/v1/files/${part(id)}`, repeatable: true },
          ...{ download: true, answer: z.instanceof(Uint8Array) },
        },
        { timeoutMs: TIMEOUT_MS, ...call },
      );
      return {
        bytes: value,
        name: nameIn(headers.get("content-disposition")),
        type: headers.get("content-type") ?? "application/octet-stream",
      };
    },
  };
}

function nameIn(disposition: string | null): string {
  const [, name] = /filename\*=UTF-8''([^;]*)/.exec(disposition ?? "") ?? [];
  try {
    return decodeURIComponent(name ?? "file");
  } catch {
    return "file";
  }
}
