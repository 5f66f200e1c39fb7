import { z } from "zod";

/** Whole number within limits, with a default. */
export function whole(min: number, max: number, fallback: number) {
  const rule = `has to be a whole number from ${min} to ${max}`;
  // One check instead of three: each is a schema of its own, and there are twenty such settings in every start.
  const fits = (value: number) => Number.isInteger(value) && value >= min && value <= max;
  return z.coerce.number(rule).refine(fits, rule).default(fallback);
}

/** Headers as `name=value`, with commas between. */
export const HeaderList = z
  .string()
  .transform((list) => list.split(",").filter(Boolean))
  .refine(
    (list) => list.every((one) => /^\s*[\w-]+=[^\r\n]*$/.test(one)),
    "has to be headers like authorization=Bearer x, with commas between",
  )
  .transform((list): Record<string, string> => Object.fromEntries(list.map(headerOf)))
  .optional();

function headerOf(text: string): [string, string] {
  const at = text.indexOf("=");
  return [text.slice(0, at).trim().toLowerCase(), text.slice(at + 1).trim()];
}

/** Address of a web server. */
export const WebUrl = z.url({ protocol: /^https?$/, error: "has to be a URL like https://relay.example" });
