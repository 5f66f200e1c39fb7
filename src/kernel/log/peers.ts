import { readFile } from "node:fs/promises";
import ipaddr from "ipaddr.js";

/** Remote end of a TCP connection: address and port, as `stuckPeers` names them. */
export type Peer = string;

/** Lists peers that have stopped confirming sent bytes. */
export type StuckPeers = () => Promise<ReadonlySet<Peer>>;

const TABLES = ["/proc/net/tcp", "/proc/net/tcp6"];
/** Timer state in the table: the kernel probes whether a full receiver has room again. */
const PROBING = "04";
const MAPPED = /^0{20}ffff/;

export const peerOf = ({ address, port }: { address: string; port: number }): Peer =>
  peer(Buffer.from(ipaddr.parse(address).toByteArray()).toString("hex"), port.toString(16).padStart(4, "0"));

const peer = (address: string, port: string): Peer => `${address.replace(MAPPED, "")}:${port}`;

/**
 * Reads stuck peers from the kernel. A client that vanished without closing (a closed lid, a lost network) seems to accept
 * data for a quarter of an hour: bytes wait in the kernel, and only the kernel knows that they are unconfirmed. Systems
 * other than Linux do not tell, so no peer is stuck there.
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

/** Addresses in the table are 32-bit words in machine order, which is little-endian wherever Bun runs. */
function fromTable(remote: string): Peer {
  const [address = "", port = ""] = remote.toLowerCase().split(":");
  const words = address.match(/.{8}/g) ?? [];
  return peer(words.map((word) => (word.match(/../g) ?? []).reverse().join("")).join(""), port);
}
