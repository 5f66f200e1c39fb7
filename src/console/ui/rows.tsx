import { Link, type LinkProps, useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, type ReactNode, type RefObject, useEffect, useRef, useState } from "react";
import { WindowVirtualizer, type WindowVirtualizerHandle } from "virtua";
import { useActs } from "../frame/acts.ts";
import { Deaf, useKeys } from "../frame/keys.ts";
import { Age } from "./age.tsx";
import { Arrivals, useArrivals } from "./arrivals.tsx";
import type { Chosen } from "./chosen.ts";
import { shownChild } from "./exact.tsx";
import { Glyph, type GlyphName } from "./glyph.tsx";
import { type Step, useSequence } from "./sequence.ts";
import { openWeb, webAddress } from "./web.ts";

export interface RowParts {
  id: string;
  glyph: GlyphName;
  /** A name in strong, and a sentence. */
  what: ReactNode;
  /** The reason, or what waits behind it. */
  why?: ReactNode;
  kind?: ReactNode;
  /** Web address that `o` opens. */
  web?: string | null | undefined;
  since?: string | null;
}

interface RowsProps<Item> {
  items: readonly Item[];
  row(item: Item, isSelected?: boolean): RowParts;
  /** Shown below the selected row. */
  open?(item: Item): ReactNode;
  /** Keys that act on the selected row. */
  keys?(item: Item): Record<string, () => void>;
  /** Page that a row leads to, by a click or Enter. */
  link?(item: Item): LinkProps;
  /** Rows that are chosen, by a box and by x. */
  chosen?: Chosen;
  /** Filter of the list. */
  of?: string | undefined;
  /** The end of the list comes near. */
  onEnd?: () => void;
}

/** Rows below the window at which the end is near. */
const AHEAD = 20;

const ROW =
  "grid cursor-pointer grid-cols-[12px_1fr_auto_64px] items-start gap-3 px-3 py-2 hover:bg-hover compact:py-1 max-md:grid-cols-[12px_1fr_auto] max-md:px-2";

/**
 * A list that is read with j and k: one row is selected, and shows what it is about. Of several lists on a page keys act on one;
 * a row that was opened in another stays open. Only rows in sight are drawn.
 */
export function Rows<Item>({ items: all, row, open, keys, link, chosen, of, onEnd }: RowsProps<Item>) {
  const navigate = useNavigate();
  const box = useRef<HTMLDivElement>(null);
  const { shown: items, ...arrivals } = useArrivals({ items: all, idOf: (item) => row(item).id, box, of });
  const list = useRef<WindowVirtualizerHandle>(null);
  const ids = items.map((item) => row(item).id);
  const { at, select } = useSelected(ids);
  const focus = useFocus(box, ids[at]);

  function lead(to: number): boolean {
    const next = ids[to];
    if (next === undefined) return false;
    focus(next);
    select(next);
    list.current?.scrollToIndex(to, { align: "nearest" });
    return true;
  }
  const { isCurrent, isOpen } = useSequence({
    box,
    count: () => ids.length,
    move: (by) => lead(at + by),
    enter: (by: Step) => void lead(by > 0 ? 0 : ids.length - 1),
  });
  const current = isCurrent ? items[at] : undefined;
  const currentId = isCurrent ? ids[at] : undefined;
  const web = current && webAddress(row(current).web);
  const enter = (): void => void (current && link && navigate(link(current)));
  useKeys({
    ...(current && link && Object.fromEntries([["Enter", enter]])),
    ...(web !== undefined && { o: () => openWeb(web) }),
    ...(current && keys?.(current)),
    ...(chosen && currentId !== undefined && choosing(chosen, ids, currentId)),
  });
  useActs(current && link ? [{ name: "Open the selected row", hint: "enter", run: enter }] : []);
  function scrolled(): void {
    const shown = list.current;
    if (shown && shown.findItemIndex(shown.scrollOffset + shown.viewportSize) >= items.length - AHEAD) onEnd?.();
  }
  const press = (event: KeyboardEvent, id: string): void => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    select(id);
  };

  return (
    <div ref={box}>
      <Arrivals {...arrivals} />
      <WindowVirtualizer ref={list} as="ul" item="li" onScroll={scrolled}>
        {items.map((item, index) => {
          const isSelected = isOpen && index === at;
          const parts = row(item, isSelected);
          const { id } = parts;
          return (
            <div
              key={id}
              data-id={id}
              className={
                isSelected && isCurrent
                  ? "border-b border-line bg-selected shadow-[inset_2px_0_var(--accent)]"
                  : "border-b border-line"
              }
            >
              <div className="flex items-start">
                {chosen && <Choice id={id} name={id} order={ids} chosen={chosen} />}
                {link ? (
                  <Link {...link(item)} className={`${ROW} min-w-0 flex-1`} onFocus={() => select(id)}>
                    <RowBody {...parts} />
                  </Link>
                ) : (
                  // biome-ignore lint/a11y/useSemanticElements: a button may hold no headings and lists
                  <div
                    role="button"
                    tabIndex={0}
                    aria-expanded={open ? isSelected : undefined}
                    onClick={() => select(id)}
                    onFocus={({ target }) => target.matches(":focus-visible") && select(id)}
                    onKeyDown={(event) => press(event, id)}
                    className={`${ROW} min-w-0 flex-1`}
                  >
                    <RowBody {...parts} />
                  </div>
                )}
              </div>
              {isSelected && open && (
                <div className="pr-3 pb-3 pl-9 max-md:pl-2">
                  <Deaf value={!isCurrent}>{open(item)}</Deaf>
                </div>
              )}
            </div>
          );
        })}
      </WindowVirtualizer>
    </div>
  );
}

/** Leads the focus along with the selection, where it is in a list already or comes from another. */
function useFocus(box: RefObject<HTMLElement | null>, selectedId: string | undefined): (id: string) => void {
  const wanted = useRef<string>(undefined);
  useEffect(() => {
    if (wanted.current === undefined || wanted.current !== selectedId) return;
    wanted.current = undefined;
    const row = box.current?.querySelector<HTMLElement>(`[data-id="${CSS.escape(selectedId)}"] :is(a, [role=button])`);
    row?.focus({ preventScroll: true });
  });
  return (id) => {
    const { activeElement } = document;
    if (activeElement !== null && activeElement !== document.body) wanted.current = id;
  };
}

/** The row that is selected: where it goes, the selection goes; where it is gone, the one in its place is next. */
export function useSelected(ids: readonly string[]) {
  const [selectedId, select] = useState<string>();
  const last = useRef(0);
  const found = selectedId === undefined ? 0 : ids.indexOf(selectedId);
  const at = Math.max(0, found === -1 ? Math.min(last.current, ids.length - 1) : found);
  last.current = at;
  const id = ids[at];
  // A row that comes above must not get the keys that were meant for this one.
  if (id !== selectedId) select(id);
  return { at, select };
}

/** Keys that choose the selected row, and all up to it. */
export const choosing = (chosen: Chosen, ids: readonly string[], id: string) =>
  Object.fromEntries([
    ["x", () => chosen.toggle(id)],
    ["X", () => chosen.reach(ids, id)],
  ]);

interface ChoiceProps {
  id: string;
  name: string;
  /** Ids of the rows, as they stand. */
  order: readonly string[];
  chosen: Chosen;
}

/** The box that chooses a row; with the shift key all up to it. */
export const Choice = ({ id, name, order, chosen }: ChoiceProps) => (
  <label className="flex size-9 shrink-0 items-center justify-center compact:size-7 max-md:size-12">
    <input
      type="checkbox"
      aria-label={`Choose ${name}`}
      checked={chosen.ids.has(id)}
      onChange={({ nativeEvent }) =>
        (nativeEvent as MouseEvent).shiftKey ? chosen.reach(order, id) : chosen.toggle(id)
      }
      className="size-4 accent-accent max-md:size-5"
    />
  </label>
);

const RowBody = ({ glyph, what, why, kind, since }: RowParts) => (
  <>
    <span className="mt-1">
      <Glyph name={glyph} />
    </span>
    <span className="min-w-0 wrap-anywhere">
      {shownChild(what)}
      {why && <span className="block text-small text-ink3 compact:hidden">{shownChild(why)}</span>}
    </span>
    <span className="max-w-48 truncate text-small text-ink2 max-md:hidden">{shownChild(kind)}</span>
    {since && <Age since={since} className="text-right" />}
  </>
);
