import type { ReactNode } from "react";
import { useKeys } from "../frame/keys.ts";
import { Button, Key } from "./button.tsx";
import { Empty, Failure, Loading } from "./notes.tsx";
import type { usePages } from "./pages.ts";
import { type RowParts, Rows } from "./rows.tsx";

interface ListedProps<Item> {
  list: Pick<ReturnType<typeof usePages<Item>>, "items" | "error" | "isPending" | "isRead" | "readMore" | "refetch">;
  /** Name of the items: "runs". */
  what: string;
  row(item: Item): RowParts;
  link?: Parameters<typeof Rows<Item>>[0]["link"];
  open?(item: Item): ReactNode;
  /** Said when there is nothing. */
  empty: ReactNode;
  /** Filters as they are written, and their end. */
  filter?: { text: string; clear(): void } | undefined;
}

/** A list of the relay as rows, with what is said while it loads, when it failed and when it is empty. */
export function Listed<Item>({ list, what, row, link, open, empty, filter }: ListedProps<Item>) {
  const { items, error, isPending, isRead, readMore, refetch } = list;
  useKeys(filter ? { Escape: filter.clear } : {});
  return (
    <>
      {isPending && <Loading what={what} />}
      {error && <Failure error={error} retry={() => void refetch()} />}
      {isRead && items.length === 0 && !filter && <Empty>{empty}</Empty>}
      {isRead && items.length === 0 && filter && (
        <Empty>
          Nothing matches <code className="font-mono">{filter.text}</code>.{" "}
          <Button kind="quiet" onClick={filter.clear}>
            Clear <Key>esc</Key>
          </Button>
        </Empty>
      )}
      <Rows items={items} row={row} onEnd={readMore} {...(link && { link })} {...(open && { open })} />
    </>
  );
}
