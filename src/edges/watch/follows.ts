/** Most things that one sign-in follows at a time, over all of its pages. */
export const MAX_FOLLOWED = 32;

/** Open follows of each token. */
export function createFollowCounts() {
  const open = new Map<string, number>();
  return {
    /** False when the token has as many as it may. */
    take(tokenId: string): boolean {
      const now = open.get(tokenId) ?? 0;
      if (now >= MAX_FOLLOWED) return false;
      open.set(tokenId, now + 1);
      return true;
    },
    give(tokenId: string): void {
      const now = (open.get(tokenId) ?? 0) - 1;
      if (now > 0) open.set(tokenId, now);
      else open.delete(tokenId);
    },
  };
}
