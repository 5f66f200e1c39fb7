import { RelayProblem } from "../../client/errors.ts";
import { untilAnswered } from "../../client/until-answered.ts";
import type { ProviderLimit, SessionEvent } from "../../harness/providers/provider.ts";
import type { LimitControl } from "../../protocol/sessions.ts";
import type { SessionRow } from "../journal/sessions.ts";
import type { TurnRow } from "../journal/turns.ts";
import type { Services } from "../services.ts";
import type { LiveSessions } from "../sessions/live.ts";
import type { Tell } from "../sessions/open.ts";
import type { Reporter } from "../sessions/reporter.ts";
import { providerOf } from "../sessions/rows.ts";
import { createHandOver } from "./hand-over.ts";

/** A provider's window, as its CLI told of it. */
interface Known {
  account: string;
  window: string;
  /** Milliseconds since 1970. */
  until: number;
  utilization: number | null;
  rejected: boolean;
}

const FACT = "limits";
/** Time until the next try where the provider does not say one. */
const UNSAID_MS = 900_000;
/** The relay asks for tries up to 300 s after a limit; later than that a turn tries by itself. */
const PATIENCE_MS = 360_000;
const TRY_MS = 120_000;
/** Percent of a window from which only urgent work begins. */
const NEARLY_USED = 90;

export type Limits = ReturnType<typeof createLimits>;

interface Parts {
  live: LiveSessions;
  reporter: Reporter;
  tell: Tell;
}

/** Limits of providers are a state: turns wait for their end, one tries, and its success frees all. */
export function createLimits(services: Services, { live, reporter, tell }: Parts) {
  const { journal, link, time, life, log } = services;
  const handOver = createHandOver(services);
  /** Providers that turns wait for, by turn. */
  const waiting = new Map<string, string>();
  let sleepers: (() => void)[] = [];
  /** Turns that try, by provider, with the time until which they are given. */
  const tries = new Map<string, { turnId: string | null; until: number }>();
  const told = new Set<string>();

  const all = (): Record<string, Known> => JSON.parse(journal.fact(FACT) ?? "{}");
  const of = (provider: string): Known | undefined => {
    const known = all()[provider];
    return known && (known.rejected || known.until > time.wall()) ? known : undefined;
  };

  function store(provider: string, known: Known | undefined): void {
    const { [provider]: _, ...rest } = all();
    journal.write(() => journal.setFact(FACT, JSON.stringify(known ? { ...rest, [provider]: known } : rest)));
  }

  function wake(): void {
    const woken = sleepers;
    sleepers = [];
    for (const resolve of woken) resolve();
  }

  const sessionsOf = (provider: string): SessionRow[] =>
    journal.sessions.live().filter((session) => session.provider === provider);

  function reject(session: SessionRow, limit: ProviderLimit): void {
    const { provider } = session;
    const account = limit.account ?? "default";
    const until = limit.until ?? time.wall() + UNSAID_MS;
    const known = { account, window: limit.window, until, utilization: limit.utilization, rejected: true };
    store(provider, known);
    tries.delete(provider);
    const reports = sessionsOf(provider).map((one) => reporter.report(one.id, { account }));
    show(session, until);
    // The relay tells those whose sessions it knows on the account when it is free again.
    void Promise.all(reports).then(() => report(provider, known, limit.evidence));
    void checkLater(provider, until);
  }

  function show({ id }: SessionRow, until: number): void {
    live.setState(id, "limited");
    void reporter.report(id, { limitedUntil: new Date(until).toISOString() });
  }

  async function report(provider: string, known: Known, evidence: Record<string, unknown>): Promise<void> {
    const { account, window, until, utilization, rejected } = known;
    const percent = utilization === null ? {} : { utilization: Math.min(100, Math.max(0, utilization)) };
    const draft = { type: window, until: new Date(until).toISOString(), evidence, rejected, ...percent };
    await asked(() => link.box.limits.put(provider, account, draft));
  }

  async function asked(call: () => Promise<unknown>): Promise<void> {
    await untilAnswered(time, call, life).catch((error) => {
      if (!life.aborted)
        log(`The relay refused a word about a limit: ${error instanceof Error ? error.message : error}`);
    });
  }

  function warn({ id, provider }: SessionRow, limit: ProviderLimit): void {
    if (of(provider)?.rejected) return;
    if (limit.until === null || (limit.utilization ?? 0) < NEARLY_USED) return void store(provider, undefined);
    const known = {
      ...{ account: limit.account ?? "default", window: limit.window, until: limit.until },
      ...{ utilization: limit.utilization, rejected: false },
    };
    store(provider, known);
    const { account } = known;
    void reporter.report(id, { account }).then(() => report(provider, known, limit.evidence));
    void checkLater(provider, limit.until - PATIENCE_MS);
  }

  /** Wakes those who wait some time after a limit, so that one of them tries also when nobody asks for it. */
  async function checkLater(provider: string, until: number): Promise<void> {
    await time.sleep(Math.max(0, until - time.wall()) + PATIENCE_MS, life).catch(() => undefined);
    if (!life.aborted && all()[provider]) wake();
  }

  /** The provider answers again. */
  function free(provider: string): void {
    const known = all()[provider];
    if (!known) return;
    store(provider, undefined);
    handOver.end(provider);
    tries.delete(provider);
    told.clear();
    log(`${provider} answers again`);
    for (const { id, state } of sessionsOf(provider)) {
      if (state === "limited") live.setState(id, "idle");
      void reporter.report(id, { limitedUntil: null });
    }
    wake();
  }

  function succeeded(provider: string): void {
    const known = all()[provider];
    if (!known?.rejected || !tries.has(provider)) return;
    free(provider);
    const clear = () => link.box.limits.clear(provider, known.account);
    // Where the relay asked another to try, that one's success counts there.
    const quiet = (error: unknown) => {
      if (!(error instanceof RelayProblem)) throw error;
    };
    void asked(() => clear().catch(quiet));
  }

  /** Whether a turn may begin now. A turn that is let through a limit is the one that tries. */
  function mayBegin(turn: TurnRow, provider: string): boolean {
    const known = of(provider);
    if (!known) return true;
    if (!known.rejected) return isUrgent(turn);
    const one = tries.get(provider);
    const isGiven = one && one.until > time.wall();
    if (isGiven ? one.turnId !== null && one.turnId !== turn.id : time.wall() < known.until + PATIENCE_MS) return false;
    // Work in hand tries first.
    const isBehind = [...waiting].some(([id, its]) => id !== turn.id && its === provider && isInHand(id));
    if (isBehind && !isInHand(turn.id)) return false;
    tries.set(provider, { turnId: turn.id, until: time.wall() + TRY_MS });
    void time.sleep(TRY_MS, life).then(wake, () => undefined);
    return true;
  }

  const isInHand = (id: string): boolean => (journal.turns.get(id)?.sentAt ?? null) !== null;

  /** Work in hand goes on in a window that is nearly used up. */
  const isUrgent = ({ messageId, agentId, id, kind }: TurnRow): boolean =>
    isInHand(id) ||
    kind === "feed" ||
    (messageId !== null && journal.letters.get(messageId, agentId)?.entry.urgent === true);

  /** Says it once for each limit and dialogue. */
  function tellOnce(turn: TurnRow, provider: string, text: string): void {
    const key = `${provider}\n${turn.agentId}\n${turn.sessionKey}`;
    if (!told.has(key)) tell(turn, text);
    told.add(key);
  }

  /** @returns the session of another provider that has the turn from now on */
  async function handedTo(turn: TurnRow, provider: string, onHanded: OnHanded): Promise<SessionRow | undefined> {
    if (of(provider)?.rejected !== true) return undefined;
    const handed = await handOver.hand({ turn, provider, isRejected: (name) => of(name)?.rejected === true, onHanded });
    if (handed?.isNew)
      tellOnce(turn, provider, `${provider} is limited. ${handed.session.provider} goes on with this in its place.`);
    return handed?.session;
  }

  async function untilWoken(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    sleepers.push(resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    signal.throwIfAborted();
  }

  /** @returns the session of another provider that has the turn from now on; undefined: it may begin */
  async function wait({ turn, provider, signal, onHanded }: Waiting): Promise<SessionRow | undefined> {
    waiting.set(turn.id, provider);
    try {
      while (!mayBegin(turn, provider)) {
        const session = await handedTo(turn, provider, onHanded);
        if (session) return session;
        signal.throwIfAborted();
        // The limit may have ended while the profile was read.
        const known = of(provider);
        if (!known || mayBegin(turn, provider)) continue;
        const resumes = `it resumes ${clockOf(known.until)} UTC`;
        if (known.rejected) tellOnce(turn, provider, `${provider} is limited. I go on by myself: ${resumes}.`);
        await untilWoken(signal);
      }
      return undefined;
    } finally {
      waiting.delete(turn.id);
    }
  }

  /** Provider that a turn needs: that of the session which it is for, else of its agent. */
  function neededBy({ agentId, plan }: TurnRow): string {
    const named = plan.sessionId === undefined ? undefined : journal.sessions.get(plan.sessionId);
    return named && named.state !== "dead" ? named.provider : providerOf(services, agentId).config.name;
  }

  return {
    /** Gate for turns. One that is handed over has another session in its plan afterwards. */
    async gate({ id }: TurnRow, signal: AbortSignal): Promise<void> {
      for (let isHanded = true; isHanded; ) {
        const turn = journal.turns.get(id);
        if (!turn || turn.end) return;
        const waits = { turn, provider: neededBy(turn), signal, onHanded: () => undefined };
        isHanded = (await wait(waits)) !== undefined;
      }
    },
    /**
     * Resolves when a turn that met a limit may go on, with another session where it is handed over to one.
     * @throws the reason of the signal
     */
    again(
      id: string,
      { provider }: SessionRow,
      signal: AbortSignal,
      onHanded: OnHanded,
    ): Promise<SessionRow | undefined> {
      const turn = journal.turns.get(id);
      return turn ? wait({ turn, provider, signal, onHanded }) : Promise.resolve(undefined);
    },
    isRejected: (provider: string): boolean => of(provider)?.rejected === true,
    /** Observer of all sessions. */
    observe(session: SessionRow, event: SessionEvent): void {
      const { provider } = session;
      if (event.type === "limit" && event.limit.state === "rejected") reject(session, event.limit);
      else if (event.type === "limit" && event.limit.state === "warning") warn(session, event.limit);
      else if (event.type === "limit" || event.type === "say" || event.type === "said") succeeded(provider);
      else if (event.type === "result" && event.result.outcome === "ok") succeeded(provider);
      else if (event.type === "state" && event.state === "idle") {
        const known = of(provider);
        if (known?.rejected && journal.sessions.get(session.id)?.state === "idle") show(session, known.until);
      }
    },
    /** News from the relay. */
    heard({ provider, do: what }: LimitControl): void {
      if (what === "free") free(provider);
      if (!all()[provider]) return;
      tries.set(provider, { turnId: null, until: time.wall() + TRY_MS });
      wake();
    },
    /** Takes over what the relay knows, after a start. */
    async load(): Promise<void> {
      const { items } = await untilAnswered(time, () => link.box.limits.list({ limit: 500 }), life);
      for (const [provider, known] of Object.entries(all())) {
        if (!known.rejected || items.some((one) => one.provider === provider && one.account === known.account))
          continue;
        store(provider, undefined);
      }
      for (const { provider, account, type: window, until, utilization, rejected } of items) {
        if (!services.providers.has(provider) || !rejected) continue;
        store(provider, { account, window, until: Date.parse(until), utilization, rejected });
        void checkLater(provider, Date.parse(until));
      }
    },
  };
}

/** Called in the write that hands a turn over. */
type OnHanded = (session: SessionRow) => void;

interface Waiting {
  turn: TurnRow;
  provider: string;
  signal: AbortSignal;
  onHanded: OnHanded;
}

const clockOf = (at: number): string => new Date(at).toISOString().slice(11, 16);
