/** Older than this, what is shown is said to be old. */
const STALE_MS = 5000;

type Listener = () => void;

/** How fresh the page is: the time up to which the relay was heard, and a clock that stops with it. */
function createFeed() {
  const listeners = new Set<Listener>();
  const tickers = new Set<Listener>();
  /** Time of the last word from the relay; undefined before the first. */
  let heardAt: number | undefined;
  let isConnected = false;
  /** Time of the last tick: a page that slept missed some. */
  let tickedAt = Date.now();
  let shown = Date.now();

  const isLive = (): boolean => isConnected || heardAt === undefined || Date.now() - heardAt < STALE_MS;

  function tick(): void {
    tickedAt = Date.now();
    const wasStale = document.documentElement.hasAttribute("data-stale");
    if (isLive()) shown = Date.now();
    if (wasStale === isLive()) {
      document.documentElement.toggleAttribute("data-stale", !wasStale);
      for (const tell of listeners) tell();
    }
    for (const tell of tickers) tell();
  }
  setInterval(tick, 1000);

  const subscribe = (set: Set<Listener>) => (tell: Listener) => {
    set.add(tell);
    return () => void set.delete(tell);
  };

  return {
    onChange: subscribe(listeners),
    onTick: subscribe(tickers),
    /** Time that ages are counted to, in milliseconds. */
    now: () => shown,
    /** undefined while live, else the time of the last word. */
    asOf: (): number | undefined => (isLive() ? undefined : heardAt),
    isConnected: () => isConnected,
    heard(): void {
      heardAt = Date.now();
      if (document.documentElement.hasAttribute("data-stale")) tick();
    },
    /** The page slept: its timers stood still. */
    isSilent: (): boolean => Date.now() - tickedAt > 2 * STALE_MS,
    connected(is: boolean): void {
      if (isConnected && !is) heardAt = Date.now();
      const changed = isConnected !== is;
      isConnected = is;
      tick();
      if (changed) for (const tell of listeners) tell();
    },
  };
}

export const feed = createFeed();
