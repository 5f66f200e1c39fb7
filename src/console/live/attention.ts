import { useQuery } from "@tanstack/react-query";
import { api } from "../api.ts";

/** Number of things that wait: `3`, or `200+` where the list was cut. */
export const needsCount = ({ items, more }: { items: readonly unknown[]; more: boolean }): string =>
  `${items.length}${more ? "+" : ""}`;

export const needsText = (list: { items: readonly unknown[]; more: boolean }): string =>
  list.items.length === 1 ? "1 thing needs you" : `${needsCount(list)} things need you`;

/** Things that wait for a person, most held up first; of one project where it is named. */
export const useAttention = (project?: string) =>
  useQuery({
    queryKey: ["attention", ...(project === undefined ? [] : [project])],
    queryFn: ({ signal }) => api.attention.list({ project }, { signal }),
  });
