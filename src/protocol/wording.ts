import { z } from "zod";

type Raw = z.core.$ZodRawIssue;

const KINDS: Record<string, string> = {
  string: "text",
  number: "a number",
  nan: "a number",
  int: "a whole number",
  bigint: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "an object",
  record: "an object",
  map: "an object",
  null: "null",
  date: "a time",
  undefined: "left out",
  never: "left out",
  void: "left out",
};

const FORMATS: Record<string, string> = {
  url: "a URL like https://example.com/path",
  email: "an e-mail address",
  datetime: "a time like 2026-05-04T09:00:00Z",
  date: "a date like 2026-05-04",
  time: "a time of day like 09:00:00",
  duration: "a duration like PT30M",
  uuid: "a UUID",
  ipv4: "an IPv4 address",
  ipv6: "an IPv6 address",
  base64: "base64",
  base64url: "base64url",
  json_string: "JSON",
  safeint: "a whole number below 2^53",
};

/** Makes zod say its rules as the predicate of a sentence whose subject is the place: `limit has to be at most 500`. */
export const speakPlainly = (): void => void z.config({ customError: wordingOf });

function wordingOf(issue: Raw): string {
  const rule = ruleOf(issue);
  // Several places write the place before the rule, so that the rule begins with the verb.
  return issue.input === undefined && issue.code === "invalid_type" ? `is missing: it ${rule}` : rule;
}

function ruleOf(issue: Raw): string {
  switch (issue.code) {
    case "invalid_type":
      return `has to be ${KINDS[String(issue.expected)] ?? issue.expected}`;
    case "invalid_value":
      return `has to be ${oneOf((issue.values as unknown[]).map((value) => String(value)))}`;
    case "too_small":
      return sizeRule(issue, "least", issue.minimum, issue.inclusive);
    case "too_big":
      return sizeRule(issue, "most", issue.maximum, issue.inclusive);
    case "invalid_format":
      return formatRule(issue);
    case "not_multiple_of":
      return `has to be a multiple of ${issue.divisor}`;
    case "unrecognized_keys":
      return `has unknown members: ${(issue.keys as string[]).slice(0, 5).join(", ")}. Leave them out.`;
    case "invalid_union":
      return unionRule((issue.errors ?? []) as z.core.$ZodIssue[][]);
    case "invalid_key":
    case "invalid_element":
      return "has a member that is not acceptable";
    default:
      return "is not acceptable here";
  }
}

const UNITS: Record<string, string> = { string: "character", array: "item", set: "item", map: "member", file: "byte" };

function sizeRule({ origin }: Raw & { origin?: string }, way: "least" | "most", bound: unknown, inclusive: unknown) {
  const unit = UNITS[origin ?? ""];
  if (unit) return `has to have at ${way} ${bound} ${unit}${Number(bound) === 1 ? "" : "s"}`;
  if (inclusive === false) return `has to be ${way === "least" ? "more" : "less"} than ${bound}`;
  return `has to be at ${way} ${bound}`;
}

function formatRule({ format, prefix, suffix, includes, pattern }: Raw & Record<string, unknown>): string {
  if (format === "starts_with") return `has to begin with ${prefix}`;
  if (format === "ends_with") return `has to end with ${suffix}`;
  if (format === "includes") return `has to contain ${includes}`;
  const known = FORMATS[String(format)];
  return known ? `has to be ${known}` : `has to match ${pattern ?? format}`;
}

/** The rules of all branches. Those that say "has to be ..." become one. */
function unionRule(branches: z.core.$ZodIssue[][]): string {
  const rules = [...new Set(branches.flatMap(([first]) => (first ? [first.message] : [])))];
  const kinds = rules.map((rule) => /^(is missing: it )?has to be (.*)$/s.exec(rule)?.[2]);
  const isMissing = rules.some((rule) => rule.startsWith("is missing: "));
  if (rules.length === 0) return "is not acceptable here";
  if (kinds.some((kind) => kind === undefined)) return rules.slice(0, 3).join(", or ");
  return `${isMissing ? "is missing: it " : ""}has to be ${kinds.join(" or ")}`;
}

/**
 * The issues of the branch of a union that came nearest: the value has its type, and fails deeper. undefined when no branch has it.
 */
export function nearestBranch(issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] | undefined {
  if (issue.code !== "invalid_union") return undefined;
  const deeper = issue.errors.filter(
    (branch) => branch.length > 0 && branch.every(({ path, code }) => path.length > 0 || code === "unrecognized_keys"),
  );
  return deeper.sort((a, b) => a.length - b.length)[0];
}

const oneOf = (values: string[]): string =>
  values.length < 2 ? `${values[0]}` : `${values.slice(0, -1).join(", ")} or ${values.at(-1)}`;
