import type { Query, QueryClient } from "@tanstack/react-query";

/**
 * Reads again what is shown of these queries. A first read that is on its way may be from before the change, and the cache
 * does not begin it anew: it is repeated when it has ended.
 */
export function readAgain(cache: QueryClient, concerns: (query: Query) => boolean): void {
  const firstReads = cache.getQueryCache().findAll({
    fetchStatus: "fetching",
    predicate: (query) => query.state.data === undefined && concerns(query),
  });
  for (const { promise, queryKey } of firstReads) {
    const repeat = () => void cache.invalidateQueries({ queryKey, exact: true });
    void promise?.then(repeat, repeat);
  }
  void cache.invalidateQueries({ predicate: concerns });
}
