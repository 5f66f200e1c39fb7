import { type InfiniteData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import type { Entry, Message } from "../../../protocol/messages.ts";
import { api } from "../../api.ts";
import { connection } from "../../live/connection.ts";

const PAGE = 60;

interface MessagePage {
  items: Message[];
  nextPage: string | null;
}

/** Summary of a thread: title, unread, live runs. */
export const useThread = (id: number) =>
  useQuery({
    queryKey: ["thread", id],
    queryFn: async ({ signal }) => (await api.messages.thread(id, { limit: 1 }, { signal })).thread,
  });

/** Messages of a thread, oldest first, from its newest page on. New ones come by the live connection. */
export function useTalk(id: number) {
  const cache = useQueryClient();
  const queryKey = ["talk", id];
  useEffect(() => {
    const key = ["talk", id];
    connection.lookAt(id);
    const unfollow = connection.follow({ what: "thread", id }, ({ event, data }) => {
      const added = event === "message" && append(cache.getQueryData(key), data as Entry);
      if (event === "trace") return void cache.invalidateQueries({ queryKey: ["history", id] });
      if (added) cache.setQueryData(key, added);
      else if (event !== "hello") void cache.invalidateQueries({ queryKey: key });
      if (event === "message" || event === "work") void cache.invalidateQueries({ queryKey: ["explain"] });
    });
    return () => {
      unfollow();
      connection.lookAt(undefined);
    };
  }, [cache, id]);
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ signal, pageParam }) =>
      api.messages.list({ thread: id, limit: PAGE, ...(pageParam !== null && { page: pageParam }) }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ nextPage }: MessagePage) => nextPage,
  });
  const messages = (query.data?.pages ?? []).flatMap(({ items }) => items).reverse();
  return { ...query, messages };
}

/** The pages with a new message; undefined where they have to be read again. */
function append(known: unknown, entry: Entry): InfiniteData<MessagePage> | undefined {
  const data = known as InfiniteData<MessagePage> | undefined;
  const [newest, ...older] = data?.pages ?? [];
  if (!data || !newest || entry.claimable || entry.id <= (newest.items[0]?.id ?? 0)) return undefined;
  const message: Message = { ...entry, state: null, claim: null };
  return { ...data, pages: [{ ...newest, items: [message, ...newest.items] }, ...older] };
}
