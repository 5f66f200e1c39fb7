import { join } from "node:path";
import { freePort, startChild, until } from "../child.ts";
import { type Installed, inLanes, LANES, type PeerProduct } from "./peer.ts";

interface NatsMessage {
  ackAck(): Promise<boolean>;
}
interface Consumer {
  next(): Promise<NatsMessage | null>;
  consume(options: { max_messages: number }): Promise<AsyncIterable<NatsMessage> & { stop(): void }>;
}
interface JetStream {
  publish(subject: string, data: string): Promise<unknown>;
  consumers: { get(stream: string, consumer: string): Promise<Consumer> };
}
interface JetStreamManager {
  streams: { add(config: object): Promise<unknown> };
  consumers: { add(stream: string, config: object): Promise<unknown> };
}
interface Connection {
  close(): Promise<void>;
}
interface Transport {
  connect(options: { servers: string }): Promise<Connection>;
}
interface JetStreamPackage {
  jetstream(connection: Connection): JetStream;
  jetstreamManager(connection: Connection): Promise<JetStreamManager>;
}

const STREAM = "messages";

async function openStream({ load }: Installed, folder: string): Promise<[JetStream, Connection]> {
  const port = await freePort();
  const command = ["nats-server", "--addr", "127.0.0.1", "--port", String(port), "--jetstream", "--store_dir", folder];
  const child = startChild(command, join(folder, "nats.log"));
  await until("the start of nats-server", async () => (await child.output()).includes("Server is ready") || undefined);
  const { connect } = await load<Transport>("@nats-io/transport-node");
  const { jetstream, jetstreamManager } = await load<JetStreamPackage>("@nats-io/jetstream");
  const connection = await connect({ servers: `127.0.0.1:${port}` });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: STREAM, subjects: ["messages"], storage: "file", retention: "workqueue" });
  await manager.consumers.add(STREAM, { durable_name: "workers", ack_policy: "explicit", max_ack_pending: 10_000 });
  return [jetstream(connection), connection];
}

/** A work-queue stream on disk with confirmed acknowledgements; the server syncs its files every two minutes. */
async function open(installed: Installed, folder: string) {
  const [stream, connection] = await openStream(installed, folder);
  const consumer = await stream.consumers.get(STREAM, "workers");
  const send = (message: string) => stream.publish("messages", message);

  /** One subscription that keeps 64 messages coming; each is acknowledged, and the acknowledgement confirmed. */
  async function workOff(count: number) {
    const messages = await consumer.consume({ max_messages: LANES });
    const acknowledged: Promise<boolean>[] = [];
    for await (const message of messages) {
      acknowledged.push(message.ackAck());
      if (acknowledged.length === count) break;
    }
    messages.stop();
    await Promise.all(acknowledged);
  }
  return {
    send,
    fill: (messages: readonly string[]) => inLanes(messages, send),
    workOff,
    flow: (messages: readonly string[]) => Promise.all([inLanes(messages, send), workOff(messages.length)]),
    close: () => connection.close(),
  };
}

export const natsJetStream: PeerProduct = {
  name: "nats",
  title: "NATS JetStream, file (not synced)",
  npm: "@nats-io/jetstream",
  program: "nats-server",
  open,
};
