/** Fence of a turn. It is no secret: the bearer token authorises its use. */
export const tokenOf = (turnId: string): string => `rnt_${turnId.slice("trn_".length)}`;

/** The turn that a token names. */
export function turnIdOf(token: string | null | undefined): string | undefined {
  const [, id] = /^rnt_([a-z0-9]{1,40})$/.exec(token ?? "") ?? [];
  return id && `trn_${id}`;
}

/** Token in the header by which a runner names its turn. */
export const tokenIn = (request: Request): string | null => request.headers.get("signalbox-run");
