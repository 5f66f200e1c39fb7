import { useState } from "react";

/** Fields of a dialog, and what changes one of them: `set("name")` takes its next value. */
export function useForm<Form extends object>(first: Form | (() => Form)) {
  const [form, setForm] = useState(first);
  const set =
    <Name extends keyof Form>(field: Name) =>
    (value: Form[Name]): void =>
      setForm((had) => ({ ...had, [field]: value }));
  return { form, set };
}
