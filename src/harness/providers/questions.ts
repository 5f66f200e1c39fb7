import { z } from "zod";
import { plainText } from "./process/plain-text.ts";
import type { PermissionAnswer, PermissionRequest } from "./provider.ts";
import { spelledOut } from "./subjects.ts";

/** Question that is part of a form. */
export interface Question {
  key: string;
  text: string;
  options: readonly { id: string; label: string }[];
  /** A denial of one that is not required leaves it out. */
  isRequired: boolean;
  /** Value of the form that an answer stands for. */
  valueOf(answer: string): unknown;
}

interface Form {
  requestId: string;
  title: string;
  /** The whole form, as JSON with sorted members. */
  exact: string;
  questions: readonly Question[];
}

/** Questions of one form to people, one request each. Together they are answered once. */
export function createRound({ requestId, title, exact, questions }: Form) {
  const values: Record<string, unknown> = {};
  const open = new Map(questions.map((question) => [idOf(requestId, question, questions.length), question]));
  return {
    requests: [...open].map(
      ([id, { text, options }]): PermissionRequest => ({
        requestId: id,
        subject: spelledOut({ type: "question", text, options: options.map((option) => ({ ...option })) }).subject,
        ...{ title: titleOf(title), exact, offers: { once: true, session: false }, oneTap: true },
      }),
    ),
    /** Takes an answer. @returns the values once all are there; "denied" for a required one that was denied; undefined before */
    take(id: string, { decision, text }: PermissionAnswer): Record<string, unknown> | "denied" | undefined {
      const question = open.get(id);
      if (!question) return undefined;
      open.delete(id);
      if (decision !== "deny") values[question.key] = question.valueOf(text ?? "");
      else if (question.isRequired) return "denied";
      return open.size === 0 ? values : undefined;
    },
    /** Requests without an answer. */
    open: (): string[] => [...open.keys()],
  };
}
export type Round = ReturnType<typeof createRound>;

const idOf = (requestId: string, { key }: Question, count: number): string =>
  count === 1 ? requestId : `${requestId}/${key}`;

const TITLE_CHARS = 256;

/** Title of an approval: one line. */
export const titleOf = (text: string): string =>
  plainText(text).replace(/\s+/g, " ").trim().slice(0, TITLE_CHARS).toWellFormed();

const Choice = z.object({ const: z.union([z.string(), z.number()]), title: z.string().optional() });
const Property = z.object({
  type: z.string().catch("string"),
  title: z.string().optional().catch(undefined),
  description: z.string().optional().catch(undefined),
  enum: z
    .array(z.union([z.string(), z.number()]))
    .optional()
    .catch(undefined),
  enumNames: z.array(z.string()).optional().catch(undefined),
  oneOf: z.array(Choice).optional().catch(undefined),
});
type Property = z.infer<typeof Property>;
const Schema = z.object({
  properties: z.record(z.string(), Property).catch({}),
  required: z.array(z.string()).catch([]),
});

/** Questions that a form's schema (an object of plain values) stands for. One that asks for nothing is to be accepted. */
export function questionsOf(message: string, schema: unknown): Question[] {
  const { data } = Schema.safeParse(schema);
  const properties = Object.entries(data?.properties ?? {});
  if (properties.length === 0) return [{ ...acceptance(message), key: "accepted" }];
  return properties.map(([key, property]) => ({
    key,
    text: [message, [property.title ?? key, property.description].filter(Boolean).join(": ")].join("\n\n"),
    options: optionsOf(property).map(({ id, label }) => ({ id, label })),
    isRequired: data?.required.includes(key) ?? false,
    valueOf: (answer) => chosen(optionsOf(property), answer) ?? typed(property.type, answer),
  }));
}

/** Question that is answered with yes, or denied. */
export const acceptance = (text: string): Question => ({
  ...{ key: "accepted", text, options: [{ id: "accept", label: "Accept" }], isRequired: true },
  valueOf: () => true,
});

interface Option {
  id: string;
  label: string;
  value: unknown;
}

function optionsOf({ type, enum: values, enumNames, oneOf }: Property): Option[] {
  if (type === "boolean") return [option(true, "Yes", 0), option(false, "No", 1)];
  if (oneOf) return oneOf.map(({ const: value, title }, index) => option(value, title ?? String(value), index));
  return (values ?? []).map((value, index) => option(value, enumNames?.[index] ?? String(value), index));
}

/** Names a choice by its value where that is short and plain, else by its number. */
export function option(value: string | number | boolean, label: string, index: number): Option {
  const id = /^[\w.-]{1,64}$/.test(String(value)) ? String(value) : String(index + 1);
  return { id, label: titleOf(label).slice(0, 128), value };
}

/** Value of the option that an answer names by its id or label. */
function chosen(options: readonly Option[], answer: string): unknown {
  const said = answer.trim().toLowerCase();
  return options.find(({ id, label }) => id.toLowerCase() === said || label.toLowerCase() === said)?.value;
}

function typed(type: string, answer: string): unknown {
  const number = Number(answer);
  if ((type === "number" || type === "integer") && answer.trim() !== "" && Number.isFinite(number)) return number;
  if (type === "array") return answer.split(",").map((part) => part.trim());
  return answer;
}
