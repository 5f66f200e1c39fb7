import type { List } from "../protocol/wire.ts";
import { createPauses } from "./breathe.ts";

/** Largest JSON of one page. A page holds at least one item, however large. */
export const PAGE_BYTES = 4 * 1024 * 1024;

/** Rows of the first read, while their size is unknown. */
const FIRST = 16;

export interface Page<Row, Item> {
  items: Item[];
  /** Row of the last item: the next page begins after it. */
  last: Row | undefined;
  /** True when rows follow this page. */
  more: boolean;
}

/** Bytes of a value in an answer; text counts as JSON already. */
export const jsonBytes = (value: unknown): number =>
  Buffer.byteLength(typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

/**
 * Reads one page of a list: at most `limit` items, and no more than `maxBytes` of them. Rows are read a few at a time while
 * they are large, so that large rows beyond the page are not read.
 * @param read reads `count` rows after a row, or the first ones; fewer rows mean the end
 */
export async function readPage<Row, Item>(
  limit: number,
  read: (count: number, after: Row | undefined) => Promise<Row[]>,
  show: (row: Row) => Item | Promise<Item>,
  maxBytes = PAGE_BYTES,
): Promise<Page<Row, Item>> {
  const items: Item[] = [];
  let last: Row | undefined;
  let bytes = 0;
  const pause = createPauses();
  for (;;) {
    const count = nextCount(limit + 1 - items.length, items.length, bytes, maxBytes);
    const rows = await read(count, last);
    for (const row of rows) {
      if (items.length === limit) return { items, last, more: true };
      const item = await show(row);
      bytes += jsonBytes(item);
      if (items.length > 0 && bytes > maxBytes) return { items, last, more: true };
      items.push(item);
      last = row;
      await pause();
    }
    if (rows.length < count) return { items, last, more: false };
  }
}

/** `limit` and `page` of a list's query: `page` is the key of the last item seen. */
export interface PageQuery<Key> {
  limit: number;
  page?: Key | undefined;
}

/** One page of a list as it is answered. @param keyOf key that the items after a row are read by */
export async function readList<Row, Item, Key extends string | number>(
  { limit, page }: PageQuery<Key>,
  read: (count: number, after: Key | undefined) => Promise<Row[]>,
  show: (row: Row) => Item | Promise<Item>,
  keyOf: (row: Row) => Key,
): Promise<List<Item>> {
  const next = (count: number, row: Row | undefined) => read(count, row === undefined ? page : keyOf(row));
  const { items, last, more } = await readPage(limit, next, show);
  return { items, nextPage: more && last !== undefined ? String(keyOf(last)) : null };
}

/** Estimates the number of rows that still fit, from the size of earlier ones; at most four times their number. */
function nextCount(missing: number, seen: number, bytes: number, maxBytes: number): number {
  if (seen === 0) return Math.min(missing, FIRST);
  const fitting = Math.ceil((maxBytes - bytes) / Math.max(1, bytes / seen)) + 1;
  return Math.max(1, Math.min(missing, fitting, 4 * seen));
}

/** Leading texts that fit into one page: at least one. */
export function fitting<T>(items: readonly T[], bytesOf: (item: T) => number): T[] {
  let bytes = 0;
  const end = items.findIndex((item, i) => {
    bytes += bytesOf(item);
    return i > 0 && bytes > PAGE_BYTES;
  });
  return end < 0 ? [...items] : items.slice(0, end);
}
