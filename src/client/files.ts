import * as api from "../protocol/files.ts";
import type { Caller } from "./caller.ts";
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
    put(bytes: Blob | Uint8Array<ArrayBuffer>, { name, type }: FileFacts = {}, call?: Call) {
      const upload = { bytes, type: type || "application/octet-stream" };
      const query = { name, agentId: call?.agentId };
      return ask(api.uploadFile, { query, upload }, { timeoutMs: TIMEOUT_MS, ...call });
    },

    async get(id: string, call?: Call): Promise<DownloadedFile> {
      const limits = { timeoutMs: TIMEOUT_MS, ...call };
      const { value, headers } = await transport.exchange(api.downloadFile, { params: { id } }, limits);
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
