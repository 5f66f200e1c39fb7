import { type QueryKey, useInfiniteQuery } from "@tanstack/react-query";
import type { List } from "../../protocol/wire.ts";

/** A list of the relay, read page by page. */
export function usePages<Item>(
  queryKey: QueryKey,
  read: (page: string | undefined, signal: AbortSignal) => Promise<List<Item>>,
) {
  const { data, dataUpdatedAt, error, isPending, isFetchingNextPage, hasNextPage, fetchNextPage, refetch } =
    useInfiniteQuery({
      queryKey,
      queryFn: ({ pageParam, signal }) => read(pageParam, signal),
      initialPageParam: undefined as string | undefined,
      getNextPageParam: ({ nextPage }) => nextPage ?? undefined,
    });
  return {
    ...{ error, isPending, refetch },
    items: data?.pages.flatMap(({ items }) => items) ?? [],
    isRead: data !== undefined,
    /** Time of the last read; undefined before the first. */
    readAt: data && dataUpdatedAt,
    hasMore: hasNextPage,
    readMore: (): void => void (hasNextPage && !isFetchingNextPage && fetchNextPage()),
  };
}
