import { z } from "zod";
import { AgentId } from "./agent-ids.ts";
import { contracts, made } from "./contract.ts";
import { named, strictObject } from "./shape.ts";
import { line, Time } from "./wire.ts";

export const FileId = z.string().max(64).describe("fil_…");

export const FileName = line(255);

/** `POST /v1/files`: the body is the bytes, `Content-Type` their type. */
export const FileUpload = strictObject(() => ({
  name: FileName.optional(),
  agentId: AgentId.optional().describe("In whose name; the token's agent when left out."),
}));
export type FileUpload = z.input<typeof FileUpload>;

export const StoredFile = named("StoredFile", "An attachment. The bytes are stored once, by their hash.", () => ({
  id: z.string(),
  name: z.string(),
  type: z.string().describe("As the uploader said. Only harmless types are served as what they are."),
  size: z.int(),
  sha256: z.string(),
  uploadedBy: z.string(),
  createdAt: Time,
}));
export type StoredFile = z.infer<typeof StoredFile>;

const Path = strictObject(() => ({ id: FileId }));
const contract = contracts("Files");

export const uploadFile = contract("uploadFile", "POST /v1/files", {
  summary: "Upload a file",
  description: "The same bytes are stored once. What no message carries is removed after a time.",
  query: FileUpload,
  raw: "The bytes of the file; Content-Type says what they are.",
  idempotent: true,
  repeatable: true,
  answers: made(StoredFile, "It is on disk.", "The same key and content again."),
  problems: ["forbidden", "quota-exceeded"],
});

export const downloadFile = contract("downloadFile", "GET /v1/files/{id}", {
  summary: "Download a file",
  description:
    "For its uploader, and for whoever may read a message that carries it. Always as an attachment, never as something that a browser runs. One range of bytes may be asked for.",
  params: Path,
  answers: {
    200: { description: "The bytes.", type: "*/*", schema: z.string() },
    206: { description: "The range asked for.", type: "*/*", schema: z.string() },
  },
  problems: ["forbidden", "not-found"],
});
