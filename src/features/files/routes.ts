import { createdOnce, type Route, route, still } from "../../identity/auth/route.ts";
import type { Db } from "../../kernel/db/database.ts";
import { checkEncoding } from "../../kernel/http/head.ts";
import * as api from "../../protocol/files.ts";
import type { Blobs } from "./blobs.ts";
import type { FileService } from "./service.ts";
import type { FileRow } from "./store.ts";

const TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/;
const ANY_TYPE = "application/octet-stream";
/** Types that a browser shows without running anything in them. All others are served as plain bytes. */
const HARMLESS =
  /^(image\/(png|jpeg|gif|webp)|audio\/(mpeg|ogg|wav|mp4|webm)|video\/(mp4|webm|ogg)|text\/plain|application\/pdf)$/;

/** Attachments: putting them there and getting them. */
export function fileRoutes(db: Db, files: FileService, blobs: Blobs, maxBytes: number): Route[] {
  return [
    route(
      { ...api.uploadFile, raw: `The bytes of the file, at most ${maxBytes}; Content-Type says what they are.` },
      async (call) => {
        const { caller, query, request, idempotencyKey } = call;
        checkEncoding(request);
        const type = typeOf(request);
        // An upload without a length may have the largest size.
        const bytes = Number(request.headers.get("content-length") ?? maxBytes);
        await db.read((on) =>
          files.checkUpload(on, caller, { type, agentId: query.agentId, bytes, key: idempotencyKey }),
        );
        const received = await blobs.receive(request.body, maxBytes);
        try {
          call.checkStill();
          const { sha256, size } = received;
          const upload = { name: query.name ?? "file", type, size, sha256, agentId: query.agentId };
          // In one turn, so that no sweep removes the bytes before their row is there.
          const once = await blobs.turn(async () => {
            await blobs.keep(received);
            return db.write((tx) => still(tx, call, () => files.add(tx, caller, upload, idempotencyKey)));
          });
          return createdOnce(once);
        } finally {
          await blobs.discard(received);
        }
      },
    ),
    route(api.downloadFile, async ({ caller, params, request, headers }) => {
      const file = await db.read((on) => files.requireReadable(on, caller, params.id));
      return download(file, Bun.file(blobs.pathOf(file.sha256)), request, headers);
    }),
  ];
}

function typeOf(request: Request): string {
  const said = request.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return TYPE.test(said) ? said : ANY_TYPE;
}

function download(file: FileRow, bytes: Blob, request: Request, headers: Record<string, string>): Response {
  Object.assign(headers, {
    "content-type": HARMLESS.test(file.type) ? file.type : ANY_TYPE,
    "content-disposition": disposition(file.name),
    "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "accept-ranges": "bytes",
    etag: `"${file.sha256}"`,
  });
  const range = rangeOf(request.headers.get("range"), file.size);
  if (!range) return new Response(bytes, { status: 200, headers });
  headers["content-range"] = `bytes ${range.from}-${range.to}/${file.size}`;
  return new Response(bytes.slice(range.from, range.to + 1), { status: 206, headers });
}

/** A single range, both ends included. Any other range is answered with the whole file, as RFC 9110 allows. */
function rangeOf(header: string | null, size: number): { from: number; to: number } | undefined {
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  const from = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const to = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return from <= to ? { from, to } : undefined;
}

/** RFC 6266: a plain name for old programs, and the real one. */
function disposition(name: string): string {
  const plain = name.replaceAll(/[^\w. -]/g, "_");
  const real = encodeURIComponent(name).replaceAll(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${real}`;
}
