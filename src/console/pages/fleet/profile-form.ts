import type { Profile, ProfileDraft } from "../../../protocol/profiles.ts";

/** A profile as people write it, each part as text. */
export interface ProfileText {
  name: string;
  provider: string;
  model: string;
  cwd: string;
  /** Empty: as the provider of the machine says. */
  worktree: "" | "yes" | "no";
  systemPrompt: string;
  allow: string;
  deny: string;
  handOver: string;
  onStuck: string;
  agents: string;
  policy: Profile["restart"]["policy"];
  maxPerHour: string;
  caps: string;
}

export const textOf = (profile: Profile | undefined): ProfileText => ({
  name: profile?.name ?? "",
  provider: profile?.provider ?? "claude",
  model: profile?.model ?? "",
  cwd: profile?.cwd ?? "",
  worktree: profile?.worktree == null ? "" : profile.worktree ? "yes" : "no",
  systemPrompt: profile?.systemPrompt ?? "",
  allow: profile?.tools?.allow?.join("\n") ?? "",
  deny: profile?.tools?.deny?.join("\n") ?? "",
  handOver: profile && profile.onLimit !== "wait" ? profile.onLimit.handOver : "",
  onStuck: profile?.onStuck.map((step) => `${step.do} ${step.afterSeconds}`).join("\n") ?? "",
  agents: profile?.agents.map((one) => `${one.agentId} ${one.orchestratorId} ${one.desired}`).join("\n") ?? "",
  policy: profile?.restart.policy ?? "onFailure",
  maxPerHour: `${profile?.restart.maxPerHour ?? 6}`,
  caps: profile?.caps ? JSON.stringify(profile.caps, null, 2) : "",
});

const lines = (text: string): string[] => text.split("\n").flatMap((line) => line.trim() || []);
const words = (line: string): string[] => line.split(/\s+/);

/** The profile that a text says; the relay checks its parts. @throws Error where a part cannot be read */
export function draftOf(text: ProfileText): ProfileDraft {
  const { provider, model, cwd, systemPrompt, handOver, policy, maxPerHour } = text;
  const [allow, deny, steps] = [lines(text.allow), lines(text.deny), lines(text.onStuck)];
  const tools = { ...(allow.length && { allow }), ...(deny.length && { deny }) };
  return {
    ...{ provider: provider.trim(), model: model.trim() || null, cwd: cwd.trim() || null },
    worktree: text.worktree === "" ? null : text.worktree === "yes",
    systemPrompt: systemPrompt.trim() === "" ? null : systemPrompt,
    tools: allow.length || deny.length ? tools : null,
    caps: capsOf(text.caps),
    onLimit: handOver.trim() === "" ? "wait" : { handOver: handOver.trim() },
    ...(steps.length && { onStuck: steps.map(stepOf) }),
    agents: lines(text.agents).map(agentOf),
    restart: { policy, maxPerHour: Number(maxPerHour) },
  } as ProfileDraft;
}

function stepOf(line: string): { do: string; afterSeconds: number } {
  const [act = "", seconds = "1"] = words(line);
  return { do: act, afterSeconds: Number(seconds) };
}

function agentOf(line: string): { agentId: string; orchestratorId: string; desired: string } {
  const [agentId = "", orchestratorId = "", desired = "onDemand"] = words(line);
  if (orchestratorId === "") throw new Error(`“${line}” names no machine: write box-claude box onDemand.`);
  return { agentId, orchestratorId, desired };
}

function capsOf(text: string): ProfileDraft["caps"] {
  if (text.trim() === "") return null;
  try {
    return JSON.parse(text) as ProfileDraft["caps"];
  } catch (error) {
    throw new Error(`The caps are no JSON: ${error instanceof Error ? error.message : error}`);
  }
}
