/** The address, if a browser may be led there: text of agents may name any scheme. */
export const webAddress = (url: string | null | undefined): string | undefined =>
  url && /^https?:\/\//.test(url) ? url : undefined;

/** Opens an address in a tab of its own, which learns nothing of this one. */
export const openWeb = (url: string): void => void window.open(url, "_blank", "noopener,noreferrer");
