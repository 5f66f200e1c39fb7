import { type RefObject, useEffect, useReducer, useRef } from "react";

/** Whether a person is at a list: the pointer is over it, it has focus, or its beginning is scrolled away. */
function isAt(box: HTMLElement | null): boolean {
  if (!box) return false;
  const hasPointer = box.matches(":hover") && matchMedia("(hover: hover)").matches;
  return hasPointer || box.contains(document.activeElement) || box.getBoundingClientRect().top < 0;
}

/** Items in the order in which they were shown, then those that follow them; new ones before or among them wait. */
function calm<Item>(items: readonly Item[], idOf: (item: Item) => string, before: readonly string[]): readonly Item[] {
  const byId = new Map(items.map((item, index) => [idOf(item), { item, index }]));
  const kept = before.flatMap((id) => byId.get(id) ?? []);
  if (kept.length === 0) return items;
  const end = Math.max(...kept.map(({ index }) => index));
  const known = new Set(before);
  const after = items.slice(end + 1).filter((item) => !known.has(idOf(item)));
  return [...kept.map(({ item }) => item), ...after];
}

interface ListOf<Item> {
  items: readonly Item[];
  idOf(item: Item): string;
  box: RefObject<HTMLElement | null>;
  /** Filter of the list: another one makes another list, which is shown whole. */
  of?: string | undefined;
}

/** A list that holds still while a person is at it: new items wait, and come when the person leaves or asks for them. */
export function useArrivals<Item>({ items, idOf, box, of = "" }: ListOf<Item>) {
  const before = useRef<readonly string[]>([]);
  const filter = useRef(of);
  if (filter.current !== of) before.current = [];
  filter.current = of;
  const [, draw] = useReducer((n: number) => n + 1, 0);
  const shown = isAt(box.current) ? calm(items, idOf, before.current) : items;
  const waiting = items.length - shown.length;
  useEffect(() => {
    before.current = shown.map(idOf);
  });
  useEffect(() => {
    if (waiting === 0) return;
    // Events by which a person may leave the list.
    const look = (): void => void (isAt(box.current) || draw());
    const events = ["pointermove", "focusin", "focusout", "scroll"] as const;
    for (const event of events) window.addEventListener(event, look, { capture: true, passive: true });
    return () => {
      for (const event of events) window.removeEventListener(event, look, { capture: true });
    };
  }, [waiting, box]);
  const show = (): void => {
    before.current = [];
    if ((box.current?.getBoundingClientRect().top ?? 0) < 0) box.current?.scrollIntoView();
    draw();
  };
  return { shown, waiting, show };
}

/** The way to new items that wait; nothing where none do. */
export const Arrivals = ({ waiting, show }: { waiting: number; show(): void }) =>
  waiting === 0 ? null : (
    <div className="sticky top-2 z-10 flex h-0 justify-center">
      <button
        type="button"
        onClick={show}
        className="h-7 cursor-pointer rounded-control border border-accent bg-accent px-3 text-small font-semibold text-on-accent shadow-float max-md:h-12"
      >
        {`${waiting} new ↑`}
      </button>
    </div>
  );
