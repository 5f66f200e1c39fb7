import { readFile } from "node:fs/promises";
import ipaddr from "ipaddr.js";

/** The other end of a TCP connection: its address and port, as `stuckPeers` names them. */
export type Peer = string;

/** Answers which peers have stopped confirming what was sent to them. */
export type StuckPeers = () => Promise<ReadonlySet<Peer>>;

const TABLES = ["/proc/net/tcp", "/proc/net/tcp6"];
/** The kernel's state of a connection's timer: it asks whether the other end, which takes nothing, takes something again. */
const PROBING = "04";
const MAPPED = /^0{20}ffff/;

export const peerOf = ({ address, port }: { address: string; port: number }): Peer =>
  peer(Buffer.from(ipaddr.parse(address).toByteArray()).toString("hex"), port.toString(16).padStart(4, "0"));

const peer = (address: string, port: string): Peer => `${address.replace(MAPPED, "")}:${port}`;

/**
 * Asks the kernel. A client that vanished without closing (a lid, a lost network) takes everything as far as a program can
 * see, for a quarter of an hour: what is sent waits in the kernel, which alone knows that nobody confirms it. Other systems
 * than Linux do not say; there nobody is ever stuck.
 */
export async function stuckPeers(): Promise<ReadonlySet<Peer>> {
  const stuck = new Set<Peer>();
  for (const text of await Promise.all(TABLES.map((file) => readFile(file, "latin1").catch(() => "")))) {
    for (const line of text.split("\n").slice(1)) {
      // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt ...
      const [, , remote = "", , queues = "", timer = "", retransmits = "0"] = line.trim().split(/\s+/);
      if (Number.parseInt(queues, 16) === 0) continue;
      if (Number.parseInt(retransmits, 16) > 0 || timer.startsWith(PROBING)) stuck.add(fromTable(remote));
    }
  }
  return stuck;
}

/** The table has addresses as 32-bit words of the machine, which is little-endian wherever Bun runs. */
function fromTable(remote: string): Peer {
  const [address = "", port = ""] = remote.toLowerCase().split(":");
  const words = address.match(/.{8}/g) ?? [];
  return peer(words.map((word) => (word.match(/../g) ?? []).reverse().join("")).join(""), port);
}
