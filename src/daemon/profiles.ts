import type { Profile } from "../protocol/profiles.ts";
import { folderIn } from "./commands/folders.ts";
import { DaemonError } from "./errors.ts";
import type { SessionRow } from "./journal/sessions.ts";
import type { Services } from "./services.ts";

const FACT = "profiles";

/** Profiles that name an agent of this orchestrator, as the relay said them last. */
export const profilesIn = ({ journal }: Pick<Services, "journal">): Profile[] =>
  JSON.parse(journal.fact(FACT) ?? "[]") as Profile[];

export const keepProfiles = ({ journal }: Pick<Services, "journal">, profiles: readonly Profile[]): void =>
  journal.write(() => journal.setFact(FACT, JSON.stringify(profiles)));

/** Profile that an agent runs by: the first by name that names it here. Profiles for other providers do not count. `given`: provider of an agent that is new. */
export function profileOf(
  services: Pick<Services, "journal" | "config">,
  agentId: string,
  given?: string,
): Profile | undefined {
  const provider = given ?? services.journal.agents.get(agentId)?.provider;
  return profilesIn(services).find(
    (one) => one.provider === provider && wantedIn(one, services.config.id, agentId) !== undefined,
  );
}

/** Profile that wants an agent to do nothing. */
export function stoppedBy(
  services: Pick<Services, "journal" | "config">,
  agentId: string,
  given?: string,
): Profile | undefined {
  const profile = profileOf(services, agentId, given);
  return profile && wantedIn(profile, services.config.id, agentId) === "stopped" ? profile : undefined;
}

const wantedIn = ({ agents }: Profile, orchestratorId: string, agentId: string) =>
  agents.find((one) => one.orchestratorId === orchestratorId && one.agentId === agentId)?.desired;

/** Agents that a profile wants to run here, each with the profile that counts for it. */
export function keptIn(
  services: Pick<Services, "journal" | "config" | "providers">,
): { agentId: string; profile: Profile }[] {
  const { journal, config, providers } = services;
  const wanted = profilesIn(services).filter(({ provider }) => providers.has(provider));
  return wanted.flatMap((profile) =>
    profile.agents
      .filter(({ orchestratorId, desired }) => orchestratorId === config.id && desired === "running")
      .map(({ agentId }) => ({ agentId, profile }))
      .filter(({ agentId }) => {
        const provider = journal.agents.get(agentId)?.provider ?? profile.provider;
        return profileOf(services, agentId, provider)?.name === profile.name;
      }),
  );
}

export const isPlaceOfUser = ({ isMain, sessionKey }: SessionRow): boolean => isMain && sessionKey === "main";

/** Session of an agent whose process is kept. */
export const keptSession = ({ journal }: Pick<Services, "journal">, agentId: string): SessionRow | undefined =>
  journal.sessions.main(agentId, "main");

/** Whether the process of a session stays also when it is idle. */
export const isKept = (services: Services, row: SessionRow): boolean =>
  isPlaceOfUser(row) && keptIn(services).some(({ agentId }) => agentId === row.agentId);

/** Members of a new session that the profile of its agent says. */
type ByProfile = Partial<Pick<SessionRow, "model" | "systemPrompt" | "cwd">> & { worktree?: boolean };

/** Choices of an agent's profile for its new sessions. A folder that is not below the workspace is left out. */
export function membersBy(services: Services, agentId: string): ByProfile {
  const profile = profileOf(services, agentId);
  if (!profile) return {};
  const { name, model, systemPrompt, cwd, worktree } = profile;
  return {
    ...(model !== null && { model }),
    ...(systemPrompt !== null && { systemPrompt }),
    ...(cwd !== null && folderOf(services, name, cwd)),
    ...(worktree != null && { worktree }),
  };
}

function folderOf({ config, log }: Services, name: string, cwd: string): { cwd?: string } {
  try {
    return { cwd: folderIn(config.workspace, cwd) };
  } catch (error) {
    if (!(error instanceof DaemonError)) throw error;
    log(`The folder of profile ${name} is left out, and its session begins in the workspace: ${error.message}`);
    return {};
  }
}

/** Tools that the CLI of a session may use, and may not, at the start of its process. */
export function toolsBy(services: Services, { agentId, tools }: SessionRow) {
  const own: Profile["tools"] = tools === null ? (profileOf(services, agentId)?.tools ?? null) : JSON.parse(tools);
  const { allow = [], deny = [] } = own ?? {};
  return { allow, deny };
}
