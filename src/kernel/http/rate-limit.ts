import { Problem } from "../../protocol/problem.ts";
import type { Clock } from "../clock.ts";

const WINDOW_SECONDS = 60;

interface Bucket {
  left: number;
  at: number;
}

/** `RateLimit` headers (draft-ietf-httpapi-ratelimit-headers-10), or none without a limit. */
export type RateHeaders = Record<string, string>;

export type RateLimit = ReturnType<typeof createRateLimit>;

/** Token bucket of each token: `perMinute` requests at once, refilled evenly. 0 turns it off. */
export function createRateLimit(clock: Clock, perMinute: number) {
  const buckets = new Map<string, Bucket>();
  const perMs = perMinute / (WINDOW_SECONDS * 1000);
  const policy = `"default";q=${perMinute};w=${WINDOW_SECONDS}`;

  return {
    /** Counts one request. @throws Problem 429 */
    take(tokenId: string): RateHeaders {
      if (perMinute === 0) return {};
      const now = clock.mono();
      let bucket = buckets.get(tokenId);
      if (!bucket) {
        bucket = { left: perMinute, at: now };
        buckets.set(tokenId, bucket);
      }
      bucket.left = Math.min(perMinute, bucket.left + (now - bucket.at) * perMs);
      bucket.at = now;
      if (bucket.left < 1) {
        const wait = Math.max(1, Math.ceil((1 - bucket.left) / perMs / 1000));
        throw new Problem("rate-limited", `This token may make ${perMinute} requests a minute.`, {
          retryAfterSeconds: wait,
        });
      }
      bucket.left -= 1;
      const full = Math.ceil((perMinute - bucket.left) / perMs / 1000);
      return { "ratelimit-policy": policy, ratelimit: `"default";r=${Math.floor(bucket.left)};t=${full}` };
    },
  };
}
