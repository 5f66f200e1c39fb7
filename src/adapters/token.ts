import { type ClientOptions, createClient, RelayProblem } from "../client/client.ts";

/**
 * Token that an adapter works with, which can only act for the channel's agent. An operator's token is used only to create it; the
 * same key returns the same token again.
 */
export async function channelToken(
  relay: Pick<ClientOptions, "url" | "token" | "fetch" | "timing">,
  channelId: string,
  name: string,
): Promise<string | undefined> {
  const given = createClient(relay);
  const who = await given.whoami();
  if (who.role !== "operator") return relay.token;
  await given.agents.get(channelId).catch(async (error) => {
    if (!(error instanceof RelayProblem) || (error.status !== 404 && error.status !== 410)) throw error;
    const [provider = "", accountId = ""] = split(channelId);
    await given.agents.register(channelId, {
      name,
      kind: "channel",
      channel: { provider, accountId, displayName: name },
    });
  });
  const draft = { role: "agent" as const, agentId: channelId, name: "adapter" };
  const kept = await given.tokens.create(draft, { idempotencyKey: `adapter ${channelId}` });
  if (await works({ ...relay, token: kept.token })) return kept.token;
  // Revoked since. An operator who starts the adapter again wants it to run, so create a new one.
  return (await given.tokens.create(draft)).token;
}

const split = (id: string): string[] => [id.slice(0, id.indexOf(":")), id.slice(id.indexOf(":") + 1)];

async function works(relay: Pick<ClientOptions, "url" | "token" | "fetch" | "timing">): Promise<boolean> {
  try {
    await createClient(relay).whoami();
    return true;
  } catch (error) {
    if (error instanceof RelayProblem && error.status === 401) return false;
    throw error;
  }
}
