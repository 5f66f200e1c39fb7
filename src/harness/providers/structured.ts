import { z } from "zod";

export interface Answer {
  text: string;
  /** undefined where the text is none by the schema. */
  structured: unknown;
}

/** Reads an answer that a model was to give by a JSON schema. */
export function readStructured(text: string, schema: object | null): Answer {
  if (!schema) return { text, structured: undefined };
  try {
    const value: unknown = JSON.parse(text);
    return { text, structured: isValid(value, schema) ? value : undefined };
  } catch {
    return { text, structured: undefined };
  }
}

function isValid(value: unknown, schema: object): boolean {
  try {
    return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(value).success;
  } catch {
    // A schema with words that are not known here: the CLI that took it is believed.
    return true;
  }
}
