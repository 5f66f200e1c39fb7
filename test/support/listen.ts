import { atEnd, type TestRelay } from "./relay.ts";

/** Lets a relay of this process listen on a port of loopback, by default a free one; answers its URL. */
export function listen({ relay }: Pick<TestRelay, "relay">, port = 0): string {
  // Alone on it: two relays on one port would each get half of the requests, and other processes test, too.
  relay.app.listen({ hostname: "127.0.0.1", port, reusePort: false });
  const { server } = relay.app;
  if (!server) throw new Error("the relay does not listen");
  atEnd(() => server.stop(true));
  return `http://127.0.0.1:${server.port}`;
}
