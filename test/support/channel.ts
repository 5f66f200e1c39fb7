import { startRelay, type TestRelay } from "./relay.ts";

/** A relay with a Telegram channel, and helpers that speak as its adapter. */
export interface ChannelWorld extends TestRelay {
  adapter: { id: string; token: string };
  /** Registers a channel agent, and lets everyone in unless the world is listed; answers its token. */
  channel(id: string, said?: Record<string, unknown>): Promise<{ id: string; token: string }>;
  bind(binding: Record<string, unknown>, id?: string): Promise<Record<string, unknown> & { id: string }>;
  /** A text that came in, as the adapter reports it. */
  event(more?: Record<string, unknown>, id?: string): Promise<{ status: number; body: Event; headers: Headers }>;
  /** Work that the adapter claims now. */
  claim(max?: number): Promise<Claimed[]>;
}

interface Event {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  messages: any[];
  routed: number;
}

export interface Claimed {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  message: any;
  claim: { token: string; attempt: number };
  posts: { part: number; externalId: string | null }[];
}

export const TELEGRAM = "telegram:main";

export async function startChannel({
  listed = false,
  ...overrides
}: Parameters<typeof startRelay>[0] & { listed?: boolean } = {}): Promise<ChannelWorld> {
  const relay = await startRelay({ durability: "normal", ...overrides });
  let count = 0;
  const channel: ChannelWorld["channel"] = async (id, said = {}) => {
    const [provider, accountId] = id.split(":");
    const agent = await relay.agent(id, { channel: { provider, accountId, ...said } });
    if (!listed) await relay.ask("PUT", `/v1/channels/${id}/access`, { mode: "open" });
    return agent;
  };
  const adapter = await channel(TELEGRAM, { displayName: "Main" });
  return Object.assign(relay, {
    adapter,
    channel,
    async bind(binding: Record<string, unknown>, id = TELEGRAM) {
      const { status, body } = await relay.ask("PUT", `/v1/channels/${id}/bindings`, binding);
      if (status > 201) throw new Error(`binding: ${JSON.stringify(body)}`);
      return body;
    },
    event: (more: Record<string, unknown> = {}, id = TELEGRAM) =>
      relay.ask(
        "POST",
        `/v1/channels/${id}/events`,
        {
          ...{ conversationId: "c1", externalId: `in-${++count}`, sender: { id: "9", name: "Ada" }, text: "Is it up?" },
          ...more,
        },
        id === TELEGRAM ? adapter : {},
      ),
    async claim(max = 10) {
      return (await relay.ask("POST", `/v1/agents/${TELEGRAM}/claims`, { max }, adapter)).body.items;
    },
  });
}
