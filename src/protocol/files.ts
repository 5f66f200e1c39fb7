import { z } from "zod";
import { AgentId } from "./agents.ts";
import { line, Time } from "./wire.ts";

export const FileId = z.string().max(64).describe("fil_…");

export const FileName = line(255);

/** `POST /v1/files`: the body is the bytes, `Content-Type` their type. */
export const FileUpload = z.strictObject({
  name: FileName.optional(),
  agentId: AgentId.optional().describe("In whose name; the token's agent when left out."),
});
export type FileUpload = z.input<typeof FileUpload>;

export const StoredFile = z
  .object({
    id: z.string(),
    name: z.string(),
    type: z.string().describe("As the uploader said. Only harmless types are served as what they are."),
    size: z.int(),
    sha256: z.string(),
    uploadedBy: z.string(),
    createdAt: Time,
  })
  .describe("An attachment. The bytes are stored once, by their hash.");
export type StoredFile = z.infer<typeof StoredFile>;
