import type { UsageInput } from "../../../protocol/runs.ts";
import { plainText } from "../process/plain-text.ts";
import type { ProviderLimit, TurnResult } from "../provider.ts";
import type { Line, Models, Result } from "./wire.ts";

/** Beginnings of texts by which a subscription says that it is used up. */
const USED_UP = /^(You've (hit|reached) your|Claude (AI )?usage limit reached)/i;

export const isLimited = ({ api_error_status: status, is_error, result = "" }: Result): boolean =>
  is_error && (status === 429 || USED_UP.test(result));

/** A turn that no model took part in and that failed by nothing: the CLI had nothing to do, as when it was resumed too early. */
export const isNone = ({ num_turns, is_error }: Result, hasCost: boolean): boolean =>
  num_turns === 0 && !hasCost && !is_error;

/** End of a turn. @param isStopped the turn was interrupted by us */
export function turnResult(result: Result, isStopped: boolean): TurnResult {
  const { is_error, terminal_reason: reason = "", errors = [], subtype = "" } = result;
  const isAborted = reason.startsWith("aborted") || (isStopped && is_error);
  const isFailed = is_error || subtype !== "success";
  const said = plainText(result.result ?? "");
  const failure = said || plainText(errors.join("\n")) || reason || subtype || "The turn failed.";
  return {
    outcome: isAborted ? "aborted" : isFailed ? "error" : "ok",
    errorCode: isAborted || !isFailed ? null : isLimited(result) ? "limited" : "provider",
    error: isAborted || !isFailed ? null : failure,
    text: isFailed ? "" : (result.result ?? ""),
    structured: result.structured_output,
    inputIds: result.user_message_uuids ?? [],
    moreFollow: result.queued_turn_count > 0,
    durationMs: result.duration_ms,
  };
}

/**
 * Amounts that a result adds. Its sums go on over a resume, so they are compared with those of the result before.
 * @param before sums of the result before; null for the first one of a session that was resumed
 */
export function usageOf(result: Result, before: Models | null): UsageInput[] {
  const { model_usage_since_last_result: since, modelUsage: sums, usage } = result;
  if (since) return Object.entries(since).map(([model, amounts]) => usageInput(model, amounts));
  if (sums && before !== null)
    return Object.entries(sums).map(([model, amounts]) => usageInput(model, minus(amounts, before?.[model])));
  if (!usage) return [];
  const [model, ...others] = Object.keys(sums ?? {});
  return [
    {
      inputTokens: usage.input_tokens,
      outputTokens: usage.output_tokens,
      cacheReadTokens: usage.cache_read_input_tokens,
      cacheWriteTokens: usage.cache_creation_input_tokens,
      ...(model !== undefined && others.length === 0 && { model }),
    },
  ];
}

type Amounts = NonNullable<Models>[string];

const minus = (now: Amounts, before: Amounts | undefined): Amounts => {
  const less = (key: keyof Amounts) => Math.max(0, now[key] - (before?.[key] ?? 0));
  return {
    inputTokens: less("inputTokens"),
    outputTokens: less("outputTokens"),
    cacheReadInputTokens: less("cacheReadInputTokens"),
    cacheCreationInputTokens: less("cacheCreationInputTokens"),
    costUSD: less("costUSD"),
  };
};

const usageInput = (model: string, amounts: Amounts): UsageInput => ({
  inputTokens: amounts.inputTokens,
  outputTokens: amounts.outputTokens,
  cacheReadTokens: amounts.cacheReadInputTokens,
  cacheWriteTokens: amounts.cacheCreationInputTokens,
  costUsd: amounts.costUSD,
  model,
});

export const isSome = ({ model: _, ...amounts }: UsageInput): boolean => Object.values(amounts).some((n) => n > 0);

const STATES = { allowed: "allowed", allowed_warning: "warning", rejected: "rejected" } as const;

/** Part of a window from which little is left. */
const NEARLY_USED = 0.9;

/** Limit of a subscription, as its own data says. The CLI itself warns of a window only where its provider does. */
export function limitOf(line: Line & { type: "rate_limit_event" }, account: string | null): ProviderLimit {
  const { status, resetsAt = null, rateLimitType, utilization = null, unifiedWindows = {} } = line.rate_limit_info;
  const [fullest] = Object.entries(unifiedWindows).sort(([, a], [, b]) => b.utilization - a.utilization);
  if (status === "allowed" && fullest && fullest[1].utilization >= NEARLY_USED) {
    const [window, { utilization: part, resetsAt: until }] = fullest;
    const evidence = line.rate_limit_info;
    return { account, window, state: "warning", until: until * 1000, utilization: part * 100, evidence };
  }
  // A part of one; over one where more than the limit was used.
  const percent = utilization === null ? null : utilization <= 2 ? utilization * 100 : utilization;
  return {
    account,
    window: rateLimitType ?? "unknown",
    state: STATES[status],
    until: resetsAt === null ? null : resetsAt * 1000,
    utilization: percent,
    evidence: line.rate_limit_info,
  };
}

/** Limit that a refused request says without a time. */
export const limitOfResult = (result: Result, account: string | null): ProviderLimit => ({
  ...{ account, window: "unknown", state: "rejected", until: null, utilization: null },
  evidence: { status: result.api_error_status ?? null, text: plainText(result.result ?? "").slice(0, 500) },
});
