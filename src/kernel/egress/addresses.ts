import ipaddr from "ipaddr.js";

type Address = ReturnType<typeof ipaddr.process>;

/** Exceptions of a setting beyond public addresses. */
export interface Allowed {
  everything: boolean;
  hosts: ReadonlySet<string>;
  ranges: readonly [Address, number][];
}

/** Range of every assigned address on the internet; unassigned ones are refused too. */
const GLOBAL_V6 = ipaddr.parseCIDR("2000::/3");
const WAY_OUT = "Add it to SIGNALBOX_EGRESS_PRIVATE to allow it";
/** Readable names for the ranges of ipaddr.js. */
const RANGES: Partial<Record<ReturnType<Address["range"]>, string>> = {
  loopback: "a loopback",
  private: "a private",
  uniqueLocal: "a private",
  linkLocal: "a link-local",
  carrierGradeNat: "a carrier's internal",
  multicast: "a multicast",
  broadcast: "a broadcast",
  unspecified: "an unspecified",
  reserved: "a reserved",
};
/** Metadata address of a cloud inside a public range, as 169.254.169.254 is elsewhere. */
const METADATA = new Set(["168.63.129.16"]);

/**
 * Reads a list of hosts, addresses and CIDR ranges, or `*` for everything.
 * @throws Error that names an item of another form
 */
export function parseAllowed(list: readonly string[]): Allowed {
  const hosts = new Set<string>();
  const ranges: [Address, number][] = [];
  for (const item of list) {
    if (item === "*") continue;
    const range = rangeOf(item);
    if (range) ranges.push(range);
    else if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(item)) hosts.add(item.toLowerCase());
    else throw new Error(`${item} is not a host, an address, a range such as 10.0.0.0/8, or *`);
  }
  return { everything: list.includes("*"), hosts, ranges };
}

function rangeOf(text: string): [Address, number] | undefined {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text);
  if (!isAddress(text)) return undefined;
  const address = ipaddr.process(text);
  return [address, address.kind() === "ipv4" ? 32 : 128];
}

/** Tells whether a URL's host is an address. IPv6 has brackets there. */
export const isAddress = (host: string): boolean =>
  ipaddr.IPv4.isValidFourPartDecimal(host) || ipaddr.IPv6.isValid(host);

/**
 * Reason to refuse an address, or `undefined`. An IPv4-mapped IPv6 address is judged as IPv4. Translated ones (NAT64, 6to4,
 * Teredo) are refused: the relay cannot see where they end.
 */
export function addressFlaw(text: string, allowed: Allowed): string | undefined {
  if (allowed.everything) return undefined;
  const address = ipaddr.process(text);
  if (allowed.ranges.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits)))
    return undefined;
  const range = address.range();
  if (range !== "unicast") return `${text} is ${RANGES[range] ?? "not a public"} address. ${WAY_OUT}`;
  if (address.kind() === "ipv6" && !address.match(GLOBAL_V6)) return `${text} is not a public address. ${WAY_OUT}`;
  return METADATA.has(address.toString()) ? `${text} is a cloud's metadata address. ${WAY_OUT}` : undefined;
}

/** Text that looks like an address, brackets and port included. */
const ADDRESS_LIKE = /\[?(?:[0-9a-f]{0,4}:){2,}[0-9a-f:.]*(?:%\w+)?\]?|\b\d{1,3}(?:\.\d{1,3}){3}\b/gi;

/**
 * Removes resolved addresses from a text about a request: they show how the operator's network is built. Addresses in the URL
 * itself stay, as its author wrote them.
 */
export const withoutAddresses = (text: string, url: string): string =>
  text.replace(ADDRESS_LIKE, (found) => (url.includes(found.replace(/[[\]]/g, "")) ? found : "an address of it"));
