import type { Profile, ProfileDraft } from "../protocol/profiles.ts";
import { addWholeList, type CliCommand, idCommands, type QueryOf } from "./commands.ts";
import { jsonValue } from "./options.ts";
import { fieldsText, timeText } from "./show.ts";

/** Profiles: how agents are started, and what is wanted of them. */
export function addProfileCommands(program: CliCommand): void {
  const profiles = program.sub("profiles", "Say how agents are started, and which ones run", "Sessions:");
  const one = idCommands(profiles, { argument: "<profile>", about: "the profile's name", example: "reviewer" });
  addWholeList(profiles, "List the profiles", {
    read: (client, query: QueryOf<typeof client.profiles.list>) => client.profiles.list(query),
    none: "There are no profiles",
    head: ["PROFILE", "PROVIDER", "MODEL", "AGENTS", "CHANGED"],
    row: ({ name, provider, model, agents, updatedAt }: Profile) => [
      ...[name, provider, model ?? ""],
      ...[agents.map(({ agentId, desired }) => `${agentId} ${desired}`).join(", "), timeText(updatedAt)],
    ],
  })
    .option("--orchestrator <id>", "that name an agent there")
    .example("profiles list");
  one(
    "show",
    "Show a profile",
    ({ profiles: verbs }, name) => verbs.get(name),
    (profile, _, out) =>
      fieldsText({ ...profile, agents: JSON.stringify(profile.agents), caps: JSON.stringify(profile.caps) }, out),
  );
  profiles
    .sub("put", "Make or replace a profile")
    .argument("<profile>", "the profile's name")
    .argument("<json>", "the whole profile as JSON; - reads stdin", jsonValue)
    .example(`profiles put reviewer '{"provider": "claude", "model": "opus"}'`)
    .act(async ({ client, out }, name: string, draft: ProfileDraft) => {
      const profile = await client.profiles.put(name, draft);
      await out.show(profile, () => `${profile.name} is stored`);
    });
  one(
    "rm",
    "Delete a profile; what runs by it goes on",
    ({ profiles: verbs }, name) => verbs.delete(name).then(() => ({ deleted: name })),
    (_, name) => `${name} is deleted`,
  ).alias("remove");
}
