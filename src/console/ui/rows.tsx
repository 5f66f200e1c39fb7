import { Link, type LinkProps, useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, type ReactNode, useRef, useState } from "react";
import { WindowVirtualizer, type WindowVirtualizerHandle } from "virtua";
import { useKeys } from "../frame/keys.ts";
import { Age } from "./age.tsx";
import { Glyph, type GlyphName } from "./glyph.tsx";

export interface RowParts {
  id: string;
  glyph: GlyphName;
  /** A name in strong, and a sentence. */
  what: ReactNode;
  /** The reason, or what waits behind it. */
  why?: ReactNode;
  kind?: ReactNode;
  since?: string | null;
}

interface RowsProps<Item> {
  items: readonly Item[];
  row(item: Item): RowParts;
  /** Shown below the selected row. */
  open?(item: Item): ReactNode;
  /** Keys that act on the selected row. */
  keys?(item: Item): Record<string, () => void>;
  /** Page that a row leads to, by a click or Enter. */
  link?(item: Item): LinkProps;
  /** The end of the list comes near. */
  onEnd?: () => void;
}

/** Rows below the window at which the end is near. */
const AHEAD = 20;

const ROW =
  "grid cursor-pointer grid-cols-[12px_1fr_auto_64px] items-start gap-3 px-3 py-2 hover:bg-hover max-md:grid-cols-[12px_1fr_auto] max-md:px-2";

/** A list that is read with j and k: one row is selected, and shows what it is about. Only rows in sight are drawn. */
export function Rows<Item>({ items, row, open, keys, link, onEnd }: RowsProps<Item>) {
  const navigate = useNavigate();
  const [selectedId, select] = useState<string>();
  const list = useRef<WindowVirtualizerHandle>(null);
  const ids = items.map((item) => row(item).id);
  const at = Math.max(0, selectedId === undefined ? 0 : ids.indexOf(selectedId));
  const current = items[at];

  function move(by: number): void {
    const to = Math.min(ids.length - 1, Math.max(0, at + by));
    const next = ids[to];
    if (next === undefined) return;
    select(next);
    list.current?.scrollToIndex(to, { align: "nearest" });
  }
  const enter = (): void => void (current && link && navigate(link(current)));
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ...(link && Object.fromEntries([["Enter", enter]])),
    ...(current && keys?.(current)),
  });
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
    <WindowVirtualizer ref={list} as="ul" item="li" onScroll={scrolled}>
      {items.map((item, index) => {
        const parts = row(item);
        const { id } = parts;
        const isSelected = index === at;
        return (
          <div
            key={id}
            data-id={id}
            className={
              isSelected
                ? "border-b border-line bg-selected shadow-[inset_2px_0_var(--accent)]"
                : "border-b border-line"
            }
          >
            {link ? (
              <Link {...link(item)} className={ROW} onFocus={() => select(id)}>
                <RowBody {...parts} />
              </Link>
            ) : (
              // biome-ignore lint/a11y/useSemanticElements: a button may hold no headings and lists
              <div
                role="button"
                tabIndex={0}
                aria-expanded={open ? isSelected : undefined}
                onClick={() => select(id)}
                onKeyDown={(event) => press(event, id)}
                className={ROW}
              >
                <RowBody {...parts} />
              </div>
            )}
            {isSelected && open && <div className="pr-3 pb-3 pl-9 max-md:pl-2">{open(item)}</div>}
          </div>
        );
      })}
    </WindowVirtualizer>
  );
}

const RowBody = ({ glyph, what, why, kind, since }: RowParts) => (
  <>
    <span className="mt-1">
      <Glyph name={glyph} />
    </span>
    <span className="min-w-0 wrap-anywhere">
      {what}
      {why && <span className="block text-small text-ink3">{why}</span>}
    </span>
    <span className="text-small text-ink2 max-md:hidden">{kind}</span>
    {since && <Age since={since} className="text-right" />}
  </>
);
