import type { Message, Part } from "@a2a-js/sdk";
import { ContentTypeNotSupportedError, RequestMalformedError } from "@a2a-js/sdk/errors";

/**
 * The parts of a message as one text, for agents that read text: data as JSON in a fence, files by their address.
 * @throws A2AError for bytes: they have to be somewhere an agent can fetch them
 */
export function textOf(parts: readonly Part[]): string {
  return parts.map(partText).join("\n\n");
}

function partText({ content, filename, mediaType }: Part): string {
  switch (content?.$case) {
    case "text":
      return content.value;
    case "url":
      return `${filename || "File"}: ${content.value}${mediaType ? ` (${mediaType})` : ""}`;
    case "data":
      return `\`\`\`json\n${JSON.stringify(content.value, null, 2) ?? "null"}\n\`\`\``;
    case "raw":
      throw new ContentTypeNotSupportedError("Bytes are not taken in a message: send a part with the url of the file.");
    default:
      throw new RequestMalformedError("A part has to have text, data or url.");
  }
}

export const textPart = (value: string): Part => ({
  content: { $case: "text", value },
  metadata: undefined,
  filename: "",
  mediaType: "text/plain",
});

export const dataPart = (value: unknown): Part => ({
  content: { $case: "data", value },
  metadata: undefined,
  filename: "",
  mediaType: "application/json",
});

/** A message with what the SDK's types want set. */
export const messageWith = (message: Pick<Message, "messageId" | "role" | "parts"> & Partial<Message>): Message => ({
  contextId: "",
  taskId: "",
  metadata: undefined,
  extensions: [],
  referenceTaskIds: [],
  ...message,
});
