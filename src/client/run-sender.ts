import type { EventsAppended, RunEventInput } from "../protocol/run-events.ts";
import { createBackoff } from "./backoff.ts";
import { randomKey } from "./caller.ts";
import { mayPass, RelayProblem, retryAfterOf } from "./errors.ts";
import { type EventDraft, fitted, joined, type Sized } from "./run-drafts.ts";
import type { Timing } from "./timing.ts";

/** Wait for more events before a request, so that a word does not cost one. */
const FLUSH_MS = 100;
/** Bytes and events of one request. */
const BATCH_BYTES = 512 * 1024;
const BATCH_EVENTS = 2000;
/** Stored events that are kept to fill a gap: a relay that was restored from a backup has lost the newest. */
const KEPT_BYTES = 1024 * 1024;
/** Bytes that wait for a relay that is away. Beyond this only text, usage and inputs are kept. */
const WAITING_BYTES = 8 * 1024 * 1024;

const TOO_MANY = "more than 8 MiB wait for the relay";

interface Numbered extends Sized {
  seq: number;
}

export interface SenderServices {
  readonly timing: Timing;
  /** Sends events. */
  append(events: RunEventInput[]): Promise<EventsAppended>;
  /** Called once when the relay takes no more events of this turn. */
  onRefused(cause: unknown): void;
  /** Events that the relay never gets: too many waited for it, or it refused one. */
  onDropped(events: number, cause: unknown): void;
}

/** Sends the events of one turn in order, in batches, one request at a time. Repeats are safe: the relay knows them by number. */
export function createSender(services: SenderServices) {
  const { timing } = services;
  const backoff = createBackoff(timing, { firstMs: 250, maxMs: 16_000 });
  const base = randomKey();
  let sources = 0;
  let source = base;
  let next = 0;
  let waiting: Sized[] = [];
  let waitingBytes = 0;
  /** Numbered events: stored ones that may have to be repeated, then those that were not confirmed. */
  let numbered: Numbered[] = [];
  /** First number that is not confirmed. */
  let owed = 0;
  let largest = BATCH_EVENTS;
  let isOver = false;
  let isHasty = false;
  let running: Promise<void> | undefined;
  let hurry = new AbortController();
  const life = new AbortController();

  function add(draft: EventDraft): void {
    if (isOver) return;
    if (waitingBytes > WAITING_BYTES && !isKeptAlways(draft)) {
      services.onDropped(1, TOO_MANY);
      return;
    }
    for (const one of fitted(draft)) {
      const last = waiting.at(-1);
      const both = last && joined(last, one);
      if (both) waiting.pop();
      waiting.push(both ?? one);
      waitingBytes += both ? both.bytes - (last?.bytes ?? 0) : one.bytes;
    }
    if (waitingBytes >= BATCH_BYTES) hurry.abort();
    running ??= run().finally(() => {
      running = undefined;
    });
  }

  async function run(): Promise<void> {
    while (!isOver && (waiting.length > 0 || owed < next)) {
      if (!isHasty && waitingBytes < BATCH_BYTES) await timing.sleep(FLUSH_MS, hurry.signal).catch(() => undefined);
      if (hurry.signal.aborted) hurry = new AbortController();
      await sendBatch();
    }
  }

  /** Numbers what waits, up to the size of a batch, behind what was not confirmed. */
  function batch(): Numbered[] {
    const events = numbered.filter(({ seq }) => seq >= owed).slice(0, largest);
    let bytes = sum(events);
    let taken = 0;
    if (events.length === next - owed)
      for (const one of waiting) {
        if (events.length >= largest || (taken > 0 && bytes + one.bytes > BATCH_BYTES)) break;
        taken++;
        bytes += one.bytes;
        waitingBytes -= one.bytes;
        events.push({ ...one, seq: next++ });
        numbered.push(...events.slice(-1));
      }
    waiting = waiting.slice(taken);
    if (waiting.length === 0) waitingBytes = 0;
    return events;
  }

  async function sendBatch(): Promise<void> {
    const events = batch();
    try {
      const wire = events.map(({ draft, seq }) => ({ ...draft, source, seq }) as RunEventInput);
      confirm(await services.append(wire));
      backoff.reset();
      largest = BATCH_EVENTS;
    } catch (error) {
      await recover(error, events);
    }
  }

  function confirm({ next: expected, missing }: EventsAppended): void {
    const from = missing?.from ?? expected;
    if (from > next || (from < owed && !numbered.some(({ seq }) => seq === from))) {
      beginSource();
      return;
    }
    owed = from;
    const stored = numbered.filter(({ seq }) => seq < owed);
    while (sum(stored) > KEPT_BYTES) stored.splice(0, Math.ceil(stored.length / 4));
    numbered = [...stored, ...numbered.filter(({ seq }) => seq >= owed)];
  }

  /** Goes on under a new source: the relay asks for events that are no longer here. */
  function beginSource(): void {
    source = `${base}.${++sources}`;
    renumber(
      numbered.filter(({ seq }) => seq >= owed),
      0,
    );
  }

  function renumber(events: Numbered[], from: number): void {
    const stored = numbered.filter(({ seq }) => seq < from);
    numbered = [...stored, ...events.map((one, at) => ({ ...one, seq: from + at }))];
    owed = from;
    next = from + events.length;
  }

  async function recover(error: unknown, events: Numbered[]): Promise<void> {
    if (mayPass(error)) return timing.sleep(backoff.delay(retryAfterOf(error)), life.signal).catch(() => undefined);
    const status = error instanceof RelayProblem ? error.status : 0;
    if (status === 413 && events.length > 1) {
      largest = Math.ceil(events.length / 2);
      return;
    }
    if (status === 413 || status === 422) return drop(error as RelayProblem, events);
    isOver = true;
    waiting = [];
    numbered = [];
    services.onRefused(error);
  }

  /** Leaves out the event that the relay refuses, else all of the batch: nothing of it was stored. */
  function drop(refusal: RelayProblem, events: Numbered[]): void {
    const place = /\/(\d+)(\/|$)/.exec(refusal.body.errors?.[0]?.pointer ?? "");
    const bad = place ? events.filter((_, at) => at === Number(place[1])) : events;
    const rest = numbered.filter((one) => one.seq >= owed && !bad.some(({ seq }) => seq === one.seq));
    services.onDropped(bad.length, refusal);
    renumber(rest, owed);
  }

  return {
    add,
    /** Resolves when everything said so far is stored, or never will be. */
    async flush(): Promise<void> {
      isHasty = true;
      hurry.abort();
      await running;
      isHasty = false;
    },
    /** Sends nothing more. */
    close(): void {
      isOver = true;
      hurry.abort();
      life.abort();
    },
  };
}

const sum = (events: Sized[]): number => events.reduce((total, { bytes }) => total + bytes, 0);

const isKeptAlways = ({ stream }: EventDraft): boolean => ["assistant", "usage", "input"].includes(stream);
