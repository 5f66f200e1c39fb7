import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from "@slack/web-api";
import { networkFault, PlatformFault } from "../contract.ts";

const UNAUTHORIZED = new Set([
  ...["not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired"],
  ...["user_removed_from_team", "team_disabled"],
]);
/** Errors after which Slack may have acted, by its own documentation. */
const UNKNOWN_END = new Set(
  "internal_error fatal_error request_timeout service_unavailable team_added_to_org".split(" "),
);
const RATE_LIMITED = new Set(["ratelimited", "rate_limited"]);
/** Codes that differ from the word of Slack. */
const CODES = new Map([
  ["channel_not_found", "chat-not-found"],
  ["is_archived", "chat-not-found"],
  ["not_in_channel", "blocked"],
  ["restricted_action", "blocked"],
]);
const ERROR_WORD = /^[a-z0-9_]+$/;

/** Turns a rejection of Slack's Web API into a fault. @throws PlatformFault */
export function asSlackFault(error: unknown): never {
  throw slackFault(error);
}

/** Fault for a refusal of Slack's Web API. */
export function slackFault(error: unknown): PlatformFault {
  if (error instanceof PlatformFault) return error;
  if (error instanceof WebAPIRateLimitedError)
    return new PlatformFault("transient", "rate-limited", "Slack says: ratelimited", error.retryAfter);
  if (error instanceof WebAPIRequestError) return networkFault(error.original);
  if (error instanceof WebAPIHTTPError) {
    const failure = error.statusCode >= 500 ? "ambiguous" : "permanent";
    return new PlatformFault(failure, "platform-error", `Slack answered HTTP ${error.statusCode}`);
  }
  if (error instanceof WebAPIPlatformError) return platformFault(error.data.error);
  return networkFault(error);
}

function platformFault(word: string): PlatformFault {
  // No JSON, so a proxy answered, and Slack may have acted or not.
  if (!ERROR_WORD.test(word)) return new PlatformFault("ambiguous", "platform-error", "The answer was not Slack's");
  const reason = `Slack says: ${word}`;
  if (RATE_LIMITED.has(word)) return new PlatformFault("transient", "rate-limited", reason, 30);
  if (UNKNOWN_END.has(word)) return new PlatformFault("ambiguous", "platform-error", reason);
  if (UNAUTHORIZED.has(word)) return new PlatformFault("permanent", "unauthorized", reason);
  return new PlatformFault("permanent", CODES.get(word) ?? word.replaceAll("_", "-"), reason);
}
