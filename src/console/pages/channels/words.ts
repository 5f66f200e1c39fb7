import type { Channel } from "../../../protocol/channels.ts";
import type { Shown } from "../../ui/states.ts";
import { clockText } from "../../ui/states.ts";

/** Reason why the adapter does not hear its platform; null while it does. */
export function deafOf({ meta }: Channel): string | null {
  const adapter = meta?.adapter as { deaf?: unknown } | undefined;
  return typeof adapter?.deaf === "string" ? adapter.deaf : null;
}

export function channelState(channel: Channel): Shown {
  const deaf = deafOf(channel);
  if (deaf !== null) return { glyph: "stuck", word: `cannot hear: ${deaf}`, colour: "text-red" };
  if (channel.status === "offline")
    return { glyph: "away", word: `its adapter is away since ${clockText(channel.lastSeenAt)}`, colour: "text-grey" };
  if (!channel.ready) return { glyph: "away", word: "not ready", colour: "text-grey" };
  return { glyph: "held", word: "hears", colour: "text-ink2" };
}

export const DIRECTION: Record<Channel["direction"], string> = {
  inbound: "only hears",
  outbound: "only posts",
  bidirectional: "hears and posts",
};

export const accessText = ({ access }: Channel): string =>
  access.mode === "open" ? "open to everyone who can write there" : "hears its guests alone";
