import { z } from "zod";
import { NO_ANSWER } from "../../protocol/approvals.ts";
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
        subject: spelledOut({
          type: "question",
          text,
          options: options.map(({ id: name, label }) => ({ id: name, label })),
        }).subject,
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
    options: optionsOf(property),
    isRequired: data?.required.includes(key) ?? false,
    valueOf: (answer) => {
      const choice = chosen(optionsOf(property), answer);
      return choice ? choice.value : typed(property.type, answer);
    },
  }));
}

/** Question that is answered with yes, or denied. */
export const acceptance = (text: string): Question => ({
  ...{ key: "accepted", text, options: [{ id: "accept", label: "Accept" }], isRequired: true },
  valueOf: () => true,
});

interface Option<V> {
  id: string;
  label: string;
  value: V;
}

function optionsOf({ type, enum: values, enumNames, oneOf }: Property): Option<unknown>[] {
  if (type === "boolean")
    return choices([
      { value: true, label: "Yes" },
      { value: false, label: "No" },
    ]);
  if (oneOf) return choices(oneOf.map(({ const: value, title = String(value) }) => ({ value, label: title })));
  return choices((values ?? []).map((value, index) => ({ value, label: enumNames?.[index] ?? String(value) })));
}

/** Choices, named by their values where each is short, plain and there once, else by their numbers. */
export function choices<V>(list: readonly { value: V; label: string }[]): Option<V>[] {
  const numbers = list.map((_, index) => String(index + 1));
  const values = list.map(({ value }, index) =>
    /^[\w.-]{1,64}$/.test(String(value)) ? String(value) : String(index + 1),
  );
  const ids = new Set([...values, NO_ANSWER]).size > values.length ? values : numbers;
  return list.map(({ value, label }, index) => ({ id: ids[index] ?? "", label: titleOf(label), value }));
}

/** Choice that an answer names: by its id first, for the label of one may be the id of another. */
export function chosen<O extends { id: string; label: string }>(options: readonly O[], answer: string): O | undefined {
  const [said, loose] = [answer.trim(), answer.trim().toLowerCase()];
  return (
    options.find(({ id }) => id === said) ??
    options.find(({ label }) => label.toLowerCase() === loose) ??
    options.find(({ id }) => id.toLowerCase() === loose)
  );
}

function typed(type: string, answer: string): unknown {
  const number = Number(answer);
  if ((type === "number" || type === "integer") && answer.trim() !== "" && Number.isFinite(number)) return number;
  if (type === "array") return answer.split(",").map((part) => part.trim());
  return answer;
}
