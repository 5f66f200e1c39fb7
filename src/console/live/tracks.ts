import { type QueryClient, type QueryKey, useQuery } from "@tanstack/react-query";
import type { SessionChange } from "../../protocol/sessions.ts";
import { MAX_CHANGES, trackState } from "../../protocol/states.ts";
import type { SessionTrack } from "../../protocol/tracks.ts";
import { api } from "../api.ts";

/** Time that tracks show. */
export const SPAN_MS = 60 * 60_000;

interface Tracks {
  items: SessionTrack[];
  nextPage: string | null;
}

/** Live sessions, and those that ended in the last hour, with their states since. */
export const useTracks = (project?: string) =>
  useQuery({
    queryKey: ["tracks", project],
    async queryFn({ signal }): Promise<Tracks> {
      const read = (live: "true" | "false", limit: number) => api.sessions.states({ project, live, limit }, { signal });
      // However many have ended, those that live are there.
      const [live, ended] = await Promise.all([read("true", 200), read("false", 100)]);
      // One that ended between the two is in both.
      const items = new Map([...live.items, ...ended.items].map((one) => [one.id, one]));
      return { items: [...items.values()], nextPage: live.nextPage ?? ended.nextPage };
    },
  });

/** Puts a change of a session into the tracks that are shown. @returns false where one of them has to be read again */
export function followTrack(cache: QueryClient, change: SessionChange): boolean {
  const lists = cache.getQueriesData<Tracks>({ queryKey: ["tracks"] });
  return lists.map(([key, list]) => followIn(cache, key, list, change)).every(Boolean);
}

function followIn(cache: QueryClient, key: QueryKey, list: Tracks | undefined, change: SessionChange): boolean {
  const one = list?.items.find(({ id }) => id === change.id);
  const isOfList = key[1] === undefined || key[1] === change.project;
  // Of a list that was cut, those that are not in it stay out.
  if (!one) return !isOfList || (list?.nextPage != null && change.state !== "starting");
  if (!list || one.project !== change.project) return false;
  const state = trackState(change);
  const states =
    state === one.states.at(-1)?.state
      ? one.states
      : [...one.states.slice(1 - MAX_CHANGES), { state, since: change.since }];
  cache.setQueryData<Tracks>(key, {
    ...list,
    items: list.items.with(list.items.indexOf(one), { ...one, ...change, states }),
  });
  return true;
}
