import type { ReactNode } from "react";
import { useKeys } from "../frame/keys.ts";
import { Button, Key } from "./button.tsx";
import type { Chosen } from "./chosen.ts";
import { Empty, Failure, Loading } from "./notes.tsx";
import type { usePages } from "./pages.ts";
import { type RowParts, Rows } from "./rows.tsx";

/** Rows that no scrolling reads on from: a page may be short where a filter passes over much. */
const FEW = 20;

interface ListedProps<Item> {
  list: Pick<ReturnType<typeof usePages<Item>>, "items" | "error" | "isPending" | "isRead" | "hasMore" | "readMore"> & {
    readAt?: number | undefined;
    refetch(): unknown;
  };
  /** Name of the items: "runs". */
  what: string;
  row(item: Item): RowParts;
  link?: Parameters<typeof Rows<Item>>[0]["link"];
  open?(item: Item): ReactNode;
  keys?(item: Item): Record<string, () => void>;
  chosen?: Chosen;
  /** Said when there is nothing. */
  empty: ReactNode;
  /** Filters as they are written, and their end. */
  filter?: { text: string; clear(): void } | undefined;
}

/** A list of the relay as rows, with what is said while it loads, when it failed and when it is empty. */
export function Listed<Item>({ list, what, row, link, open, keys, chosen, empty, filter }: ListedProps<Item>) {
  const { items, error, isPending, isRead, readAt, hasMore, readMore, refetch } = list;
  // Escape first ends what is chosen.
  useKeys(filter && !chosen?.ids.size ? { Escape: filter.clear } : {});
  return (
    <>
      {isPending && <Loading what={what} />}
      {error && <Failure error={error} retry={() => void refetch()} asOf={readAt} />}
      {isRead && items.length === 0 && !filter && <Empty>{empty}</Empty>}
      {isRead && items.length === 0 && filter && (
        <Empty>
          Nothing matches <code className="font-mono">{filter.text}</code>.{" "}
          <Button kind="quiet" onClick={filter.clear}>
            Clear <Key>esc</Key>
          </Button>
        </Empty>
      )}
      <Rows
        items={items}
        row={row}
        of={filter?.text}
        onEnd={readMore}
        {...(link && { link })}
        {...(open && { open })}
        {...(keys && { keys })}
        {...(chosen && { chosen })}
      />
      {hasMore && items.length < FEW && (
        <Button kind="quiet" className="m-2" onClick={readMore}>
          Look further back
        </Button>
      )}
    </>
  );
}
