import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ServerWebSocket } from "bun";
import { atEnd, tempFolder } from "./relay.ts";

const OPENSSL = Bun.which("openssl");

/** Why there is no certificate to test with; undefined when there is one. */
export const noTls: string | undefined = OPENSSL ? undefined : "skipped: no openssl makes a certificate";

function makeCertificate(): { key: string; cert: string } {
  const folder = tempFolder();
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const made = Bun.spawnSync([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-keyout", key, "-out", cert, "-subj", "/CN=relay.test", "-addext", "subjectAltName=DNS:relay.test"],
  ]);
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
  return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
}

/** One socket of a browser, and its other half at the relay. */
interface Halves {
  far: WebSocket;
  /** Frames that came before the far half was open. */
  early: string[];
}

/** Bun's WebSocket takes headers; the types of the DOM do not know that. */
const Client = WebSocket as unknown as new (url: string, options: Bun.WebSocketOptions) => WebSocket;

/** Headers of one hop, which a proxy does not pass on. */
const OF_ONE_HOP = ["connection", "upgrade", "sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions"];

/**
 * A proxy with a certificate of its own in front of a relay, as Caddy or `tailscale serve` are: it keeps the browser's `Host`, and
 * says `X-Forwarded-Proto: https`.
 * @param url of the relay on loopback
 */
export function startTlsProxy(url: string): string {
  const server = Bun.serve<Halves>({
    // The first page waits for the console to be built, which takes long on a busy machine.
    ...{ port: 0, hostname: "127.0.0.1", tls: makeCertificate(), idleTimeout: 0 },
    async fetch(request, server) {
      const { pathname, search, host } = new URL(request.url);
      const headers = new Headers(request.headers);
      headers.set("host", host);
      headers.set("x-forwarded-proto", "https");
      if (request.headers.get("upgrade") === "websocket") {
        const protocols = request.headers.get("sec-websocket-protocol")?.split(", ") ?? [];
        for (const name of [...OF_ONE_HOP, "sec-websocket-protocol"]) headers.delete(name);
        const far = new Client(`${url.replace("http", "ws")}${pathname}`, { headers: headers.toJSON(), protocols });
        const [first] = protocols;
        const chosen: Record<string, string> = first ? { "sec-websocket-protocol": first } : {};
        const isTaken = server.upgrade(request, { data: { far, early: [] }, headers: chosen });
        return isTaken ? undefined : new Response(null, { status: 400 });
      }
      const body = request.body ? await request.arrayBuffer() : null;
      return fetch(`${url}${pathname}${search}`, {
        ...{ method: request.method, headers, body, redirect: "manual", decompress: false },
      });
    },
    websocket: {
      open: (near) => joinHalves(near),
      message({ data: { far, early } }, message) {
        if (far.readyState === WebSocket.OPEN) far.send(message);
        else early.push(String(message));
      },
      close: ({ data }) => data.far.close(),
    },
  });
  atEnd(() => server.stop(true));
  return `https://relay.test:${server.port}`;
}

function joinHalves(near: ServerWebSocket<Halves>): void {
  const { far, early } = near.data;
  far.onopen = () => {
    for (const frame of early) far.send(frame);
  };
  far.onmessage = ({ data }) => void near.send(data);
  far.onclose = ({ code, reason }) => near.close(code === 1006 ? 1011 : code, reason);
}
