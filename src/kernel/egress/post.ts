import { type Egress, type EgressAnswer, EgressError } from "./egress.ts";

/** One POST to an address that others chose. */
interface Sent {
  url: string;
  body: string | Uint8Array;
  headers: Record<string, string>;
  timeoutMs: number;
  signal: AbortSignal;
  /** Bytes read of the answer; 1024 when left out. The rest is cut off. */
  maxBytes?: number;
}

/** The answer, or the reason why there is none. @throws the reason of `signal` */
export async function post(egress: Egress, { maxBytes = 1024, headers, ...sent }: Sent) {
  try {
    return await egress.request({
      ...sent,
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      maxBytes,
      overflow: "cut",
    });
  } catch (error) {
    if (error instanceof EgressError) return error;
    throw error;
  }
}

export const isAccepted = ({ status }: EgressAnswer): boolean => status >= 200 && status < 300;

/** Milliseconds that a receiver asks to wait, at most an hour; 0 when it asks for none, or for a date. */
export function retryAfterMs({ headers }: EgressAnswer): number {
  const header = headers["retry-after"] ?? "";
  return Math.min(/^\d{1,6}$/.test(header) ? Number(header) * 1000 : 0, 3_600_000);
}

/** Wait after a number of failures in a row: the first, doubled each time, up to a maximum. */
export const backoffMs = (failures: number, firstMs: number, maxMs: number): number =>
  Math.min(firstMs * 2 ** Math.min(failures, 20), maxMs);
