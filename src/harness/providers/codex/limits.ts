import type { UsageInput } from "../../../protocol/runs.ts";
import type { ProviderLimit, SessionEvent } from "../provider.ts";
import type { RateLimits, Tokens } from "./messages.ts";

export const NO_TOKENS: Tokens = { inputTokens: 0, cachedInputTokens: 0, cacheWriteInputTokens: 0, outputTokens: 0 };

interface Accounts {
  emit(event: SessionEvent): void;
  account: string | null;
  model(): string | null;
}

/** Usage and limits of one session. Codex says sums of each thread; the events are differences. */
export function createAccounts({ emit, account, model }: Accounts) {
  const sums = new Map<string, Tokens>();
  const told = new Map<string, string>();
  let latest: RateLimits = {};

  function tellLimit(limit: ProviderLimit): void {
    const said = JSON.stringify([limit.state, limit.until, limit.utilization]);
    if (told.get(limit.window) === said) return;
    told.set(limit.window, said);
    emit({ type: "limit", limit });
  }

  return {
    /** Sets the sums from which a thread goes on: of earlier turns. */
    begin: (threadId: string, total: Tokens): void => void sums.set(threadId, total),
    hasBegun: (threadId: string): boolean => sums.has(threadId),
    /** Takes the sums of a thread. `last`: the newest request alone, which counts when the sums before are not known. */
    use(threadId: string, { total, last }: { total: Tokens; last: Tokens }): void {
      const before = sums.get(threadId);
      sums.set(threadId, total);
      const usage = before ? amountsOf(total, before) : amountsOf(last, NO_TOKENS);
      const name = model();
      if (Object.values(usage).some((amount) => amount > 0))
        emit({ type: "usage", usage: { ...usage, ...(name && { model: name }) } });
    },
    limits(snapshot: RateLimits): void {
      latest = snapshot;
      for (const limit of limitsOf(snapshot, account)) tellLimit(limit);
    },
    /** Tells that the provider refuses, also where it gave no windows. */
    reached(message: string): void {
      const limits = limitsOf(latest, account);
      const full = limits.filter(({ state }) => state === "rejected");
      const fullest = limits.toSorted((one, other) => (other.utilization ?? 0) - (one.utilization ?? 0))[0];
      const unknown = { account, window: latest.limitId ?? "codex", until: null, utilization: null, evidence: {} };
      const found = full.length > 0 ? full : [fullest ?? unknown];
      for (const limit of found)
        tellLimit({ ...limit, state: "rejected", evidence: { ...limit.evidence, message: message.slice(0, 500) } });
    },
  };
}
export type AccountsOf = ReturnType<typeof createAccounts>;

/** Codex counts cached tokens among those of the input; we count them apart. */
export function amountsOf(total: Tokens, before: Tokens): Omit<UsageInput, "model"> {
  const cached = more(total.cachedInputTokens, before.cachedInputTokens);
  const written = more(total.cacheWriteInputTokens, before.cacheWriteInputTokens);
  return {
    inputTokens: Math.max(0, more(total.inputTokens, before.inputTokens) - cached - written),
    outputTokens: more(total.outputTokens, before.outputTokens),
    cacheReadTokens: cached,
    cacheWriteTokens: written,
  };
}

const more = (now: number, before: number): number => Math.max(0, now - before);

function limitsOf({ limitId, primary, secondary, rateLimitReachedType: reached }: RateLimits, account: string | null) {
  const isFull = (used: number | null | undefined) => (used ?? 0) >= 100;
  const noneFull = !isFull(primary?.usedPercent) && !isFull(secondary?.usedPercent);
  return [{ name: "primary", window: primary } as const, { name: "secondary", window: secondary } as const].flatMap(
    ({ name, window }): ProviderLimit[] => {
      if (!window) return [];
      const { usedPercent = null, resetsAt, windowDurationMins } = window;
      const isReached = Boolean(reached) && (isFull(usedPercent) || (noneFull && name === "primary"));
      return [
        {
          account,
          window: limitId && limitId !== "codex" ? `${limitId}/${name}` : name,
          state: isReached ? "rejected" : "allowed",
          until: resetsAt ? resetsAt * 1000 : null,
          utilization: usedPercent,
          evidence: { windowMinutes: windowDurationMins ?? null, reached: reached ?? null },
        },
      ];
    },
  );
}
