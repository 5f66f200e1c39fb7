import { type RawConnection, rawConnect } from "./raw.ts";

/** A WebSocket whose bytes are the test's own: it can stop reading, which the platform's cannot. */
export interface RawSocket extends RawConnection {
  say(frame: unknown): void;
  /** Reads on (or begins to), and gives every text frame to `take`. */
  read(take: (frame: string) => void): void;
}

/** Shakes hands, and then does not read until `read` is called. */
export async function rawSocket(url: string, path: string, token: string): Promise<RawSocket> {
  const lines = [
    `GET ${path} HTTP/1.1`,
    "Host: relay",
    `Authorization: Bearer ${token}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  ];
  const raw = await rawConnect(url, { lines, reads: false });
  return {
    ...raw,
    say: (frame) => raw.socket.write(masked(JSON.stringify(frame))),
    read(take) {
      let rest = Buffer.alloc(0);
      let shaken = false;
      raw.socket.on("data", (bytes: Buffer) => {
        rest = Buffer.concat([rest, bytes]);
        if (!shaken) {
          const end = rest.indexOf("\r\n\r\n");
          if (end < 0) return;
          shaken = true;
          rest = rest.subarray(end + 4);
        }
        rest = takeFrames(rest, take);
      });
      raw.socket.resume();
    },
  };
}

/** RFC 6455, section 5.2: a text frame with an all-zero mask, which leaves the text as it is. */
function masked(text: string): Buffer {
  const body = Buffer.from(text);
  const head =
    body.length < 126
      ? [0x80 | body.length]
      : body.length < 65_536
        ? [0x80 | 126, 0, 0]
        : [0x80 | 127, ...Array(8).fill(0)];
  const frame = Buffer.concat([Buffer.from([0x81, ...head]), Buffer.alloc(4), body]);
  if (head.length === 3) frame.writeUInt16BE(body.length, 2);
  if (head.length === 9) frame.writeBigUInt64BE(BigInt(body.length), 2);
  return frame;
}

/** @returns what is not a whole frame yet */
function takeFrames(bytes: Buffer, take: (frame: string) => void): Buffer<ArrayBuffer> {
  let at = 0;
  while (bytes.length - at >= 2) {
    const short = (bytes[at + 1] ?? 0) & 0x7f;
    const head = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length - at < head) break;
    const length =
      short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short;
    if (bytes.length - at < head + length) break;
    if (((bytes[at] ?? 0) & 0x0f) === 1) take(bytes.toString("utf8", at + head, at + head + length));
    at += head + length;
  }
  return Buffer.from(bytes.subarray(at));
}
