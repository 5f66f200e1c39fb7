import { GrammyError, HttpError } from "grammy/web";
import { networkFault, PlatformFault } from "../contract.ts";

/** Fault for a refusal of the Bot API. An `error_code` below 500 means that nothing was done. */
export function telegramFault(error: unknown): PlatformFault {
  if (error instanceof PlatformFault) return error;
  if (error instanceof HttpError) return networkFault(error.error);
  if (!(error instanceof GrammyError)) return networkFault(error);
  const { error_code: status, description, parameters } = error;
  const reason = `Telegram says: ${description}`;
  if (status === 429) return new PlatformFault("transient", "rate-limited", reason, parameters.retry_after ?? 5);
  if (status === 401 || status === 404) return new PlatformFault("permanent", "unauthorized", reason);
  if (status === 403) return new PlatformFault("permanent", "blocked", reason);
  if (status === 409) return new PlatformFault("transient", "conflict", reason, 5);
  if (status >= 500) return new PlatformFault("ambiguous", "platform-error", reason);
  const movedTo = parameters.migrate_to_chat_id;
  if (movedTo !== undefined) return new PlatformFault("permanent", "chat-moved", reason, undefined, String(movedTo));
  return new PlatformFault("permanent", codeOf(description), reason);
}

function codeOf(description: string): string {
  if (/chat not found/i.test(description)) return "chat-not-found";
  if (/thread not found|topic/i.test(description)) return "thread-not-found";
  if (/too (big|large|long)/i.test(description)) return "too-large";
  return "refused";
}
