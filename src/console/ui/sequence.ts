import { type RefObject, useLayoutEffect, useRef, useSyncExternalStore } from "react";

/** 1 down, -1 up. */
export type Step = 1 | -1;

/** A list of the page that keys lead through. */
interface KeyList {
  box: RefObject<HTMLElement | null>;
  count(): number;
  /** Selects the next row; false where there is none that way. */
  move(by: Step): boolean;
  /** Selects the first row, or the last where keys come from below. */
  enter(by: Step): void;
}

const lists = new Set<{ current: KeyList }>();
const listeners = new Set<() => void>();
/** List that a person was at last. */
let taken: { current: KeyList } | undefined;
/** Lists that keys have acted on: their selected row stays open, so that nothing moves under a press elsewhere. */
const left = new WeakSet<object>();

function tell(): void {
  for (const listener of listeners) listener();
}

/** Lists with rows, as they stand on the page. */
const inOrder = () =>
  [...lists]
    .filter(({ current }) => current.box.current && current.count() > 0)
    .sort(({ current: one }, { current: other }) =>
      (one.box.current as Node).compareDocumentPosition(other.box.current as Node) & Node.DOCUMENT_POSITION_FOLLOWING
        ? -1
        : 1,
    );

/** The list that keys act on: the one that the person was at last, else the first. */
const current = () => (taken && lists.has(taken) && taken.current.count() > 0 ? taken : inOrder()[0]);

function take(list: { current: KeyList }): void {
  if (taken === list) return;
  const before = current();
  if (before) left.add(before);
  taken = list;
  tell();
}

/** Leads to the next row of the page, from the end of one list into the next. */
export function step(by: Step): void {
  const list = current();
  if (!list) return;
  take(list);
  if (list.current.move(by)) return;
  const all = inOrder();
  const next = all[all.indexOf(list) + by];
  if (!next) return;
  take(next);
  next.current.enter(by);
}

/** Makes a list a part of the sequence that j and k lead through. Answers whether keys act on it, and whether it shows its selection. */
export function useSequence(list: KeyList): { isCurrent: boolean; isOpen: boolean } {
  const latest = useRef(list);
  latest.current = list;
  const count = list.count();
  const { box } = list;
  useLayoutEffect(() => {
    const at = (): void => take(latest);
    lists.add(latest);
    box.current?.addEventListener("focusin", at);
    return () => {
      lists.delete(latest);
      box.current?.removeEventListener("focusin", at);
      tell();
    };
  }, [box]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a list that gets rows, or loses them, moves the others
  useLayoutEffect(tell, [count > 0]);
  const isCurrent = useSyncExternalStore(subscribe, () => current() === latest);
  return { isCurrent, isOpen: isCurrent || left.has(latest) };
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
