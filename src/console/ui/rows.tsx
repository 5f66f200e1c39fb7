import { type KeyboardEvent, type ReactNode, useRef, useState } from "react";
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
  /** Enter, or a click on a row that is selected already. */
  onEnter?(item: Item): void;
  label: string;
}

/** A list that is read with j and k: one row is selected, and shows what it is about. */
export function Rows<Item>({ items, row, open, keys, onEnter, label }: RowsProps<Item>) {
  const [selectedId, select] = useState<string>();
  const list = useRef<HTMLUListElement>(null);
  const ids = items.map((item) => row(item).id);
  const at = Math.max(0, selectedId === undefined ? 0 : ids.indexOf(selectedId));
  const current = items[at];

  function move(by: number): void {
    const next = ids[Math.min(ids.length - 1, Math.max(0, at + by))];
    if (next === undefined) return;
    select(next);
    list.current?.querySelector(`[data-id="${CSS.escape(next)}"]`)?.scrollIntoView({ block: "nearest" });
  }
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ...(current && onEnter && Object.fromEntries([["Enter", () => onEnter(current)]])),
    ...(current && keys?.(current)),
  });
  const press = (event: KeyboardEvent, id: string): void => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    select(id);
  };

  return (
    <ul ref={list} aria-label={label}>
      {items.map((item, index) => {
        const { id, glyph, what, why, kind, since } = row(item);
        const isSelected = index === at;
        return (
          <li
            key={id}
            data-id={id}
            className={
              isSelected
                ? "border-b border-line bg-selected shadow-[inset_2px_0_var(--accent)]"
                : "border-b border-line"
            }
          >
            {/* biome-ignore lint/a11y/useSemanticElements: a button may hold no headings and lists */}
            <div
              role="button"
              tabIndex={0}
              aria-expanded={open ? isSelected : undefined}
              onClick={() => (isSelected && onEnter ? onEnter(item) : select(id))}
              onKeyDown={(event) => press(event, id)}
              className="grid cursor-pointer grid-cols-[12px_1fr_auto_64px] items-start gap-3 px-3 py-2 hover:bg-hover max-md:grid-cols-[12px_1fr_auto] max-md:px-2"
            >
              <span className="mt-1">
                <Glyph name={glyph} />
              </span>
              <span className="min-w-0 wrap-anywhere">
                {what}
                {why && <span className="block text-small text-ink3">{why}</span>}
              </span>
              <span className="text-small text-ink2 max-md:hidden">{kind}</span>
              {since && <Age since={since} className="text-right" />}
            </div>
            {isSelected && open && <div className="pr-3 pb-3 pl-9 max-md:pl-2">{open(item)}</div>}
          </li>
        );
      })}
    </ul>
  );
}
