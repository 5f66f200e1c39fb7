import type { SocketOutlet } from "../../kernel/http/socket-outlet.ts";
import type { Encoded, Outlet } from "../../kernel/log/outlet.ts";

/**
 * One follow on a socket that carries several: an outlet of its own, whose events are marked with their follow.
 * @param of name of the follow
 */
export function createChannel(socket: SocketOutlet, of: string, onClosed: () => void): Outlet {
  const head = `{"type":"event","of":${JSON.stringify(of)},"event":`;
  let isOpen = true;
  const send = (event: string, data: string, id?: number): void => {
    const place = id === undefined ? "" : `,"id":${id}`;
    if (isOpen) socket.push(`${head}"${event}"${place},"data":${data}}`);
  };
  const dataOf = ({ json, shared }: Encoded): string => (shared ? `${json.slice(0, -1)},${shared.json}}` : json);
  const channel: Outlet = {
    transport: "socket",
    peer: socket.peer,
    ready: () => isOpen && socket.ready(),
    settled: socket.settled,
    moves: socket.moves,
    entries: (entries) => entries.forEach(({ event, json, id }) => void send(event, json, id)),
    send: ({ events }) => events.forEach((event) => void send(event.type, dataOf(event))),
    // Bun pings by itself.
    keepAlive: () => undefined,
    close(last) {
      if (!isOpen) return;
      if (last) channel.send(last);
      isOpen = false;
      channel.onClosed();
      onClosed();
    },
    onDrain: () => undefined,
    onClosed: () => undefined,
  };
  return channel;
}
