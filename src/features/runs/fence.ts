/** Fence of a turn. It is no secret: the bearer token authorises its use. */
export const tokenOf = (turnId: string): string => `rnt_${turnId.slice("trn_".length)}`;

/** The turn that a token names. */
export function turnIdOf(token: string | null | undefined): string | undefined {
  const [, id] = /^rnt_([a-z0-9]{1,40})$/.exec(token ?? "") ?? [];
  return id && `trn_${id}`;
}
