import type { Sieve, Sifted } from "./bytes.ts";
import { type Copied, closedText, createKept, decoded, notJson, ROOM } from "./sieve-kept.ts";
import { createNames, createReader, END, nameOf, type Steps } from "./sieve-reader.ts";
import { CLOSE_LIST, CLOSE_OBJECT, newScan, OPEN_LIST, OPEN_OBJECT, QUOTE } from "./sieve-scan.ts";

/**
 * Selection from a JSON value. `true`: everything. `members`: members by name, items by place. `any`: members of an object
 * under any name. `each`: items of a list, while there is room. `events`: leading items of a list as sent; the rest is
 * counted.
 */
export type Known = true | { members?: ReadonlyMap<string, Known>; any?: Known; each?: Known; events?: Known };

/** Largest event. A larger one is dropped; of a larger first one the selected members are kept. */
const EVENT_BYTES = 1024 * 1024;
/** Number of kept events: a full delivery, and those that a notice names. */
const MAX_EVENTS = 1100;
/** Room for events. Members after them have to fit into the rest. */
const EVENTS_ROOM = { bytes: 1.5 * EVENT_BYTES, values: 0.6 * ROOM.values };
/** Number of items of a list without events, and of members under any name. */
const MAX_ITEMS = 1000;
/** Bytes of one text, escapes included. */
const TEXT_BYTES = 512 * 1024;

/**
 * Reads JSON in pieces, and keeps the selected part as JSON. The rest is scanned byte by byte, and never built. Of several
 * members with one name the first is kept. Errors surface at the end: until then nothing shows who sends the body.
 */
export function createSieve(known: Known): Sieve {
  const { peek, skip, isBegun, isMore, copyFrom, ...reader } = createReader();
  const kept = createKept();
  let seen = 0;
  let items = 0;
  let flaw: unknown;
  const steps = document();
  steps.next();

  function* document(): Steps<void> {
    yield* value(known);
    if ((yield* peek()) !== END) throw notJson();
  }

  /** Reads one value; true when any of it was kept. */
  function* value(wanted: Known | undefined): Steps<boolean> {
    const code = yield* peek();
    if (wanted === undefined) yield* skip();
    else if (code === QUOTE) return yield* text();
    else if (wanted === true) return yield* whole();
    else if (code === OPEN_OBJECT && wanted.members) return yield* object(wanted.members);
    else if (code === OPEN_OBJECT && wanted.any) return yield* anyOf(wanted.any);
    else if (code === OPEN_LIST && wanted.events) return yield* list(events(wanted.events));
    else if (code === OPEN_LIST && wanted.each) return yield* list(some(wanted.each));
    else if (code === OPEN_LIST && wanted.members) return yield* list(places(wanted.members));
    else return yield* whole();
    return false;
  }

  function* object(members: ReadonlyMap<string, Known>): Steps<boolean> {
    const left = new Map(members);
    const names = createNames(members.keys());
    kept.add("{", 1);
    let isFirst = true;
    for (let more = yield* isBegun(CLOSE_OBJECT); more; more = yield* isMore(CLOSE_OBJECT)) {
      reader.skipUnknown(names);
      const written = yield* reader.readName();
      const name = written === undefined ? undefined : nameOf(written);
      const wanted = name === undefined ? undefined : left.get(name);
      const before = kept.mark();
      if (name !== undefined && wanted !== undefined) {
        kept.add(`${isFirst ? "" : ","}${JSON.stringify(name)}:`, 2);
        left.delete(name);
        names.delete(name);
      }
      if (yield* value(wanted)) isFirst = false;
      else kept.backTo(before);
    }
    kept.add("}", 0);
    return true;
  }

  function* anyOf(wanted: Known): Steps<boolean> {
    kept.add("{", 1);
    let isFirst = true;
    let more = yield* isBegun(CLOSE_OBJECT);
    for (let count = 1; more; count++) {
      const name = yield* reader.readName();
      const before = kept.mark();
      if (name !== undefined) kept.add(`${isFirst ? "" : ","}"${name}":`, 2);
      if (yield* value(name === undefined ? undefined : wanted)) isFirst = false;
      else kept.backTo(before);
      more = yield* isMore(CLOSE_OBJECT);
      if (!more || count < MAX_ITEMS) continue;
      yield* skip({ ...newScan(), depth: 1 });
      more = false;
    }
    kept.add("}", 0);
    return true;
  }

  /** Reads a list. `item` keeps or drops each item, and says when it is full: the rest is skipped at once. */
  function* list(item: Items): Steps<boolean> {
    kept.add("[", 1);
    let more = yield* isBegun(CLOSE_LIST);
    for (let place = 0; more; place++) {
      const before = kept.mark();
      if (!(yield* item.keep(place))) kept.backTo(before);
      more = yield* isMore(CLOSE_LIST);
      if (!more || !item.isFull()) continue;
      const rest = { ...newScan(), depth: 1 };
      yield* skip(rest);
      item.left(rest.commas + 1);
      more = false;
    }
    kept.add("]", 0);
    return true;
  }

  /** Keeps events as sent, while there is room. The first is kept in any case, reduced to its selection if need be. */
  function events(wanted: Known): Items {
    let count = 0;
    let isFull = false;
    return {
      isFull: () => isFull || count >= MAX_EVENTS,
      left: (more) => {
        items += more;
      },
      *keep() {
        yield* peek();
        const before = kept.mark();
        if (count > 0) kept.add(",", 1);
        const begun = kept.mark();
        const copy = copyFrom(EVENT_BYTES);
        const isSome = yield* value(wanted);
        const asItCame = copy.whole();
        if (asItCame && kept.hasRoom(begun, asItCame, EVENTS_ROOM)) {
          kept.backTo(begun);
          kept.addBytes(asItCame);
          count++;
          return true;
        }
        if (count === 0 && isSome) {
          count++;
          return true;
        }
        kept.backTo(before);
        isFull = true;
        items++;
        return false;
      },
    };
  }

  function some(wanted: Known): Items {
    let count = 0;
    let last = 0;
    return {
      isFull: () => last >= MAX_ITEMS - 1,
      left: () => undefined,
      *keep(place) {
        last = place;
        if (count > 0) kept.add(",", 1);
        const isKept = yield* value(wanted);
        if (isKept) count++;
        return isKept;
      },
    };
  }

  /** Keeps items at their places, with `null` for each dropped one. */
  function places(members: ReadonlyMap<string, Known>): Items {
    let count = 0;
    let last = 0;
    return {
      isFull: () => last >= MAX_ITEMS,
      left: () => undefined,
      *keep(place) {
        last = place;
        const wanted = members.get(String(place));
        const gap = place - count;
        if (wanted !== undefined) kept.add(`${count > 0 ? "," : ""}${"null,".repeat(gap)}`, gap + 1);
        const isKept = yield* value(wanted);
        if (isKept) count += gap + 1;
        return isKept;
      },
    };
  }

  /** Keeps a whole value, if there is room. */
  function* whole(): Steps<boolean> {
    yield* peek();
    const copy = copyFrom(ROOM.bytes);
    yield* skip();
    return keep(copy.whole());
  }

  /** Keeps a text, cut at the limit. */
  function* text(): Steps<boolean> {
    yield* peek();
    const copy = copyFrom(TEXT_BYTES);
    yield* skip();
    const { bytes, isCut } = copy.beginning();
    return keep({ bytes: isCut ? closedText(bytes) : bytes, values: 0 });
  }

  function keep(copied: Copied | undefined): boolean {
    if (!copied || !kept.hasRoom(kept.mark(), copied)) return false;
    kept.addBytes(copied);
    return true;
  }

  return {
    take(next) {
      seen += next.length;
      if (flaw !== undefined) return;
      try {
        reader.goOn(next);
        steps.next();
      } catch (error) {
        flaw = error;
      }
    },
    end(): Sifted {
      if (flaw !== undefined) throw flaw;
      reader.end();
      steps.next();
      const bytes = kept.all();
      const leftOut = { of: seen, bytes: Math.max(0, seen - bytes.length), items };
      return { text: bytes.length > 0 ? decoded(bytes) : "null", leftOut };
    },
  };
}

/** Selection of items in a list. */
interface Items {
  keep(place: number): Steps<boolean>;
  isFull(): boolean;
  /** Reports the number of skipped items. */
  left(more: number): void;
}
