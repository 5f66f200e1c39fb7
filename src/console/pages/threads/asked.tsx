import { type FormEvent, useId, useState } from "react";
import type { Message } from "../../../protocol/messages.ts";
import { api } from "../../api.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { plainly } from "./body.tsx";

interface Choice {
  id: string;
  text: string;
}

interface Field {
  id: string;
  label: string;
  type: "text" | "select" | "confirm";
  options: string[];
}

const isText = (value: unknown): value is string => typeof value === "string" && value.length > 0;
const listIn = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.flat().filter((one) => typeof one === "object" && one !== null) : [];

/** Buttons in a message. Payloads are free: what is not a button is passed over. */
export const choicesOf = ({ payload }: Pick<Message, "payload">): Choice[] =>
  listIn(payload?.buttons).flatMap(({ id, text }) => (isText(id) && isText(text) ? [{ id, text }] : []));

/** Addresses in a message that stand where buttons do. */
const linksOf = ({ payload }: Pick<Message, "payload">) =>
  listIn(payload?.buttons).flatMap(({ url, text }) =>
    isText(url) && isText(text) && /^https?:/i.test(url) && URL.canParse(url) ? [{ url, text }] : [],
  );

/** The form in a message. */
export function fieldsOf({ payload }: Pick<Message, "payload">): Field[] {
  const form = payload?.form;
  const fields = typeof form === "object" && form !== null && "fields" in form ? form.fields : undefined;
  return listIn(fields).flatMap(({ id, label, type, options }) => {
    if (!isText(id) || !isText(label)) return [];
    const kind = type === "select" || type === "confirm" ? type : "text";
    return [{ id, label, type: kind, options: Array.isArray(options) ? options.map(nameOf).filter(isText) : [] }];
  });
}

const nameOf = (option: unknown): unknown =>
  typeof option === "object" && option !== null && "id" in option ? option.id : option;

/** A reply that says which button was pressed, or how the form was filled in. */
const useReply = ({ id, from }: Message) =>
  useAct(async ({ body, payload }: { body: string; payload: Record<string, unknown> }) => {
    await api.messages.send({ to: from, replyTo: id, body, payload });
    return { said: `Answered ${from}` };
  });

/** Buttons and the form of a message to people. `answer`: the reply that was given already. */
export function Asked(props: { message: Message; answer: Message | undefined }) {
  return (
    <>
      {linksOf(props.message).map(({ url, text }) => (
        <p key={url} className="mt-1">
          <a href={url} target="_blank" rel="noopener noreferrer nofollow" className="text-accent underline">
            {`${plainly(text)} (${new URL(url).host})`}
          </a>
        </p>
      ))}
      <Questions {...props} />
    </>
  );
}

function Questions({ message, answer }: { message: Message; answer: Message | undefined }) {
  const choices = choicesOf(message);
  const fields = fieldsOf(message);
  const reply = useReply(message);
  if (choices.length === 0 && fields.length === 0) return null;
  if (answer) {
    const words = answer.encoding === "opaque" ? "encrypted" : plainly(answer.body.slice(0, 200));
    return <p className="mt-1 text-small text-ink3">{`Answered: ${words}`}</p>;
  }
  return (
    <div className="mt-2 flex flex-col items-start gap-2 max-md:items-stretch">
      <div className="flex flex-wrap gap-2 max-md:flex-col">
        {choices.map(({ id, text }) => (
          <Button
            key={id}
            disabled={reply.isPending}
            onClick={() => reply.mutate({ body: text, payload: { button: id } })}
          >
            {plainly(text)}
          </Button>
        ))}
      </div>
      {fields.length > 0 && <Form fields={fields} isPending={reply.isPending} send={reply.mutate} />}
    </div>
  );
}

interface FormProps {
  fields: readonly Field[];
  isPending: boolean;
  send(reply: { body: string; payload: Record<string, unknown> }): void;
}

function Form({ fields, isPending, send }: FormProps) {
  const name = useId();
  const [values, setValues] = useState<Record<string, string>>({});
  const answerTo = ({ id, type, options }: Field) => values[id] ?? (type === "select" ? options[0] : "") ?? "";
  const set = (id: string, value: string): void => setValues((now) => ({ ...now, [id]: value }));
  function submit(event: FormEvent): void {
    event.preventDefault();
    const filled = fields.map((field) => [
      field.id,
      field.type === "confirm" ? values[field.id] === "yes" : answerTo(field),
    ]);
    const body = fields.map((field) => `${field.label}: ${answerTo(field) || "no"}`).join("\n");
    send({ body, payload: { form: Object.fromEntries(filled) } });
  }
  return (
    <form onSubmit={submit} className="flex w-full max-w-md flex-col gap-2">
      {fields.map((field) => (
        <div key={field.id} className="flex flex-col gap-1 text-small">
          <label htmlFor={`${name}-${field.id}`}>{plainly(field.label)}</label>
          <Control id={`${name}-${field.id}`} field={field} value={answerTo(field)} set={(to) => set(field.id, to)} />
        </div>
      ))}
      <Button type="submit" kind="primary" className="self-start" disabled={isPending}>
        Send
      </Button>
    </form>
  );
}

const CONTROL = "h-8 rounded-control border border-control bg-surface px-2 text-body max-md:h-12";

interface ControlProps {
  id: string;
  field: Field;
  value: string;
  set(value: string): void;
}

function Control({ id, field, value, set }: ControlProps) {
  if (field.type === "confirm")
    return (
      <input
        id={id}
        type="checkbox"
        className="size-5"
        checked={value === "yes"}
        onChange={({ target }) => set(target.checked ? "yes" : "")}
      />
    );
  if (field.type === "select")
    return (
      <select id={id} className={CONTROL} value={value} onChange={({ target }) => set(target.value)}>
        {field.options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    );
  return <input id={id} className={CONTROL} value={value} onChange={({ target }) => set(target.value)} />;
}
