import type { Random } from "./random.ts";
import type { Member, Scene } from "./senders.ts";

export interface Follower extends Member {
  /** The ids that came, over all connections, in the order in which they came. */
  seen: number[];
  connections: number;
  /** How far it has acknowledged, as it was answered. */
  acked: number;
  close(): void;
}

/** Follows an inbox over SSE, and comes back with Last-Event-ID whenever the stream ends. */
export function follow(scene: Scene, me: Member, random: Random): Follower {
  const { relay, ledger } = scene;
  const stop = new AbortController();
  const follower: Follower = { ...me, seen: [], connections: 0, acked: 0, close: () => stop.abort() };
  const lastId = () => follower.seen.at(-1) ?? 0;

  function take(block: string): void {
    const fields = new Map(block.split("\n").map((line) => line.split(/: (.*)/s, 2) as [string, string]));
    const type = fields.get("event");
    const data = JSON.parse(fields.get("data") ?? "null");
    if (type === "hello" && data.cursor < follower.acked)
      ledger.violate(`G1: ${me.id} was answered that it acknowledged ${follower.acked}; its cursor is ${data.cursor}`);
    if (type === "reset") ledger.violate(`G3: ${me.id} was told of a loss: ${JSON.stringify(data)}`);
    if (type !== "message") return;
    if (data.id <= lastId()) ledger.violate(`G3: ${me.id} saw ${data.id} after ${lastId()}`);
    if (fields.get("id") !== String(data.id)) ledger.violate(`the event of ${data.id} has id ${fields.get("id")}`);
    follower.seen.push(data.id);
    ledger.see(data);
    if (random.chance(0.02)) void acknowledge(lastId());
  }

  async function acknowledge(upTo: number): Promise<void> {
    const answer = await relay.once("POST", `/v1/agents/${me.id}/inbox/ack`, me.token, { upTo });
    if (answer?.status === 200) follower.acked = Math.max(follower.acked, answer.body.cursor);
  }

  async function connect(): Promise<void> {
    const response = await fetch(`${relay.url}/v1/agents/${me.id}/inbox/stream`, {
      headers: { authorization: `Bearer ${me.token}`, "last-event-id": String(lastId()) },
      signal: stop.signal,
    });
    if (!response.ok || !response.body) return;
    follower.connections++;
    const decoder = new TextDecoder();
    let rest = "";
    for await (const bytes of response.body) {
      rest += decoder.decode(bytes, { stream: true });
      const blocks = rest.split("\n\n");
      // What was cut off is not an event: it comes again.
      rest = blocks.pop() ?? "";
      for (const block of blocks) if (block.includes("data: ")) take(block);
    }
  }

  void (async () => {
    while (!stop.signal.aborted) {
      await relay.up();
      await connect().catch(() => undefined);
      await Bun.sleep(5);
    }
  })();
  return follower;
}
