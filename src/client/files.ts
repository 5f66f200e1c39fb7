import * as api from "../protocol/files.ts";
import type { Caller } from "./caller.ts";
import type { Call } from "./transport.ts";

/** Time limit of a large file. */
const TIMEOUT_MS = 600_000;

/** Name and type of a file. */
export interface FileFacts {
  name?: string;
  /** Media type, such as `image/png`. */
  type?: string;
}

export interface DownloadedFile {
  bytes: Uint8Array;
  name: string;
  /** Type as served: application/octet-stream for every type that may be harmful. */
  type: string;
}

/** Verbs on attachments. */
export const fileVerbs = ({ ask, transport }: Caller) => ({
  /** Uploads a file, whose `id` messages carry: `payload: { files: [{ fileId }] }`. A repeat stores it once. */
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
});

function nameIn(disposition: string | null): string {
  const [, name] = /filename\*=UTF-8''([^;]*)/.exec(disposition ?? "") ?? [];
  try {
    return decodeURIComponent(name ?? "file");
  } catch {
    return "file";
  }
}
