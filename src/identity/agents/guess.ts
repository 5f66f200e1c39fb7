import { ChannelInfo } from "../../protocol/agent-ids.ts";
import { Problem } from "../../protocol/problem.ts";

/** Fields of a registration that kind, provider and channel are guessed from. */
export interface Clues {
  id: string;
  name: string;
  rig: string | null;
  tags: string[];
  capabilities: string[];
  channel: ChannelInfo | null;
  meta: Record<string, unknown> | null;
}

/** A courtesy of the first registration alone, for clients that do not say their kind: afterwards it is stored. */
export function guessKind(clues: Clues): "provider" | "channel" {
  const said = clues.meta?.kind;
  const isChannel =
    clues.channel !== null ||
    said === "channel" ||
    said === "communication-channel" ||
    clues.tags.includes("channel") ||
    clues.capabilities.includes("channel");
  return isChannel ? "channel" : "provider";
}

/** `claude` or `codex`, when id, name, rig or meta give it away. */
export function providerTag(clues: Clues): "claude" | "codex" | undefined {
  const words = [clues.id, clues.name, clues.rig, clues.meta?.provider, clues.meta?.rig, clues.meta?.model]
    .filter((word): word is string => typeof word === "string")
    .join(" ")
    .toLowerCase();
  if (words.includes("claude")) return "claude";
  return words.includes("codex") ? "codex" : undefined;
}

/** The channel's account, from `channel`, else from the same fields in meta, a tag `channel:x`, and the id itself. */
export function channelClues(clues: Clues): ChannelInfo | undefined {
  const said = saidIn(clues.meta);
  if (clues.channel) return clues.channel.topics ? clues.channel : { ...clues.channel, ...topicsIn(clues.meta) };
  const tag = clues.tags.find((candidate) => candidate.startsWith("channel:"))?.slice("channel:".length);
  const colon = clues.id.indexOf(":");
  const named = said("provider") ?? said("channelType") ?? tag;
  const provider = named ?? (colon > 0 ? clues.id.slice(0, colon) : (said("transport") ?? "custom"));
  const accountId = said("accountId") ?? (colon > 0 ? clues.id.slice(colon + 1) : undefined);
  if (!accountId) return undefined;
  const direction = said("direction");
  return {
    provider,
    accountId,
    displayName: said("displayName"),
    transport: said("transport"),
    direction: direction === "inbound" || direction === "outbound" ? direction : "bidirectional",
    target: said("target"),
    ...topicsIn(clues.meta),
  };
}

const saidIn = (meta: Clues["meta"]) => (key: string) => {
  const value = meta?.[key];
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
};

/** `meta.topics`, where there are any. @throws Problem 422 when they are no topics */
export function topicsIn(meta: Clues["meta"]): Pick<ChannelInfo, "topics"> {
  if (meta?.topics == null) return {};
  const topics = ChannelInfo.shape.topics.safeParse(meta.topics);
  if (!topics.success) throw Problem.invalid("/meta/topics", "is not a list of up to 64 topics of one line each");
  return { topics: topics.data };
}
