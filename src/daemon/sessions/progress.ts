import { untilAnswered } from "../../client/until-answered.ts";
import type { Services } from "../services.ts";

const PARTS = 200;
const TAIL_CHARS = 600;

/** Facts about a run by its events, so far: calls of tools, and what it said last. */
export async function progressOf(
  { link, time, life }: Pick<Services, "link" | "time" | "life">,
  agentId: string,
  runId: string,
): Promise<{ tools: number; lastTool: string | undefined; said: string }> {
  const { verbs } = link.of(agentId);
  const { items } = await untilAnswered(time, () => verbs.events(runId, { limit: PARTS }), life);
  const parts = items.map(({ part }) => part as { type?: string; delta?: string; toolName?: string });
  const said = parts.flatMap(({ type, delta }) => (type === "text-delta" && delta ? [delta] : [])).join("");
  const tools = parts.flatMap(({ type, toolName }) => (type === "tool-input-available" && toolName ? [toolName] : []));
  return { tools: tools.length, lastTool: tools.at(-1), said: said.slice(-TAIL_CHARS) };
}
