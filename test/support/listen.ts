import { atEnd, type TestRelay } from "./relay.ts";

/** Lets a relay of this process listen on a free port of loopback; answers its URL. */
export function listen({ relay }: Pick<TestRelay, "relay">): string {
  relay.app.listen({ hostname: "127.0.0.1", port: 0 });
  const { server } = relay.app;
  if (!server) throw new Error("the relay does not listen");
  atEnd(() => server.stop(true));
  return `http://127.0.0.1:${server.port}`;
}
