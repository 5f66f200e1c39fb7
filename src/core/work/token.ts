import type { WorkRow } from "./row.ts";

/** The fencing token: it names one lease of one message. It is no secret: the bearer token authorises its use. */
export const tokenOf = (work: WorkRow): string => `clm_${work.messageId}_${work.fence}`;

/** The lease of this message that a token names. */
export function fenceOf(token: string, id: number): number | undefined {
  const match = /^clm_(\d{1,15})_(\d{1,9})$/.exec(token);
  return match && Number(match[1]) === id ? Number(match[2]) : undefined;
}
