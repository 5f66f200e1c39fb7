import type { RunErrorCode } from "../../../protocol/runs.ts";
import type { TurnError } from "./messages.ts";

/** Kinds of Codex's `codexErrorInfo` in the words of runs. The others are `unknown`. */
const CODES: Record<string, RunErrorCode> = {
  usageLimitExceeded: "limited",
  rateLimitExceeded: "limited",
  sessionBudgetExceeded: "limited",
  contextWindowExceeded: "provider",
  flexUnavailable: "provider",
  serverOverloaded: "provider",
  internalServerError: "provider",
  modelNotFound: "provider",
  policyCapacityUnavailable: "provider",
  unauthorized: "provider",
  badRequest: "provider",
  httpConnectionFailed: "provider",
  responseStreamConnectionFailed: "provider",
  responseStreamDisconnected: "provider",
  responseTooManyFailedAttempts: "provider",
  inferenceHookDenied: "refused",
  cyberPolicy: "refused",
  bioPolicy: "refused",
  misalignmentPolicyViolation: "refused",
  tooManyDenials: "refused",
};

const TOO_MANY_REQUESTS = 429;

/** Kind of a turn's failure. */
export function codeOf(error: TurnError): RunErrorCode {
  if (statusOf(error) === TOO_MANY_REQUESTS) return "limited";
  return CODES[kindOf(error)] ?? "unknown";
}

/** Name of the error, without what belongs to it. */
export function kindOf({ codexErrorInfo: info }: TurnError): string {
  return typeof info === "string" ? info : (Object.keys(info ?? {})[0] ?? "other");
}

/** Status of HTTP that the model's server gave; null for other errors. */
export function statusOf({ codexErrorInfo: info }: TurnError): number | null {
  if (typeof info !== "object" || info === null) return null;
  const [about] = Object.values(info);
  const status = (about as { httpStatusCode?: unknown } | null)?.httpStatusCode;
  return typeof status === "number" ? status : null;
}

/** Sentence for people. */
export const sentenceOf = ({ message, additionalDetails }: TurnError): string =>
  additionalDetails && additionalDetails !== message ? `${message} (${additionalDetails})` : message;
