import type { NewToken, TokenDraft } from "../../../protocol/tokens.ts";
import { api } from "../../api.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { useForm } from "../../ui/form.ts";
import { Choice, TextInput } from "../../ui/inputs.tsx";
import { useSave } from "../../ui/save.ts";
import { useAgentIds } from "../threads/targets.ts";
import { membersOf } from "./words.ts";

/** Roles of tokens made by hand. An orchestrator's is made by `signalbox orchestrator init`. */
const ROLES = {
  agent: "agent: acts for one agent",
  enroll: "enroll: registers new agents under a prefix",
  integration: "integration: reports events of one source",
  viewer: "viewer: sees everything, changes nothing",
  member: "member: talks, answers, starts and stops",
  operator: "operator: everything",
} as const;

interface Form {
  role: keyof typeof ROLES;
  name: string;
  agentId: string;
  groups: string;
  prefix: string;
  source: string;
  personId: string;
  expires: string;
}

const EMPTY: Form = {
  ...{ role: "agent", name: "", agentId: "", groups: "*", prefix: "", source: "", personId: "", expires: "" },
};

const isPersons = (role: Form["role"]): boolean => role === "viewer" || role === "member" || role === "operator";

const draftOf = ({ role, name, agentId, groups, prefix, source, personId, expires }: Form): TokenDraft => ({
  role,
  ...(name && { name }),
  ...(role === "agent" && { agentId: agentId.trim(), groups: membersOf(groups) }),
  ...(role === "enroll" && { prefix: prefix.trim() }),
  ...(role === "integration" && { source: source.trim() }),
  ...(isPersons(role) && personId && { personId }),
  ...(expires && { expiresAt: new Date(expires).toISOString() }),
});

/** Makes a token; its secret is shown once. */
export function TokenDialog({ made, close }: { made(token: NewToken): void; close(): void }) {
  const { form, set } = useForm<Form>(EMPTY);
  const agents = useAgentIds();
  const create = useSave({ act: () => api.tokens.create(draftOf(form)), lists: ["tokens"], close, done: made });
  return (
    <Dialog title="New token" about="Its secret is shown once. What it makes bears its name." act="Make it" {...create}>
      <Choice name="Role" value={form.role} set={set("role")} options={ROLES} />
      {form.role === "agent" && (
        <>
          <TextInput name="Agent" value={form.agentId} set={set("agentId")} options={agents} />
          <TextInput
            name="Groups that it may join"
            value={form.groups}
            set={set("groups")}
            isMono
            about="* is all of them; else tag:review, label:team-*, cap:*, with commas between; empty is none."
          />
        </>
      )}
      {form.role === "enroll" && (
        <TextInput name="Prefix" value={form.prefix} set={set("prefix")} isMono placeholder="ci-" />
      )}
      {form.role === "integration" && <TextInput name="Source" value={form.source} set={set("source")} isMono />}
      {isPersons(form.role) && (
        <TextInput name="Person that it belongs to" value={form.personId} set={set("personId")} placeholder="nobody" />
      )}
      <TextInput name="Name" value={form.name} set={set("name")} placeholder="laptop" />
      <TextInput
        name="Ends"
        type="datetime-local"
        value={form.expires}
        set={set("expires")}
        about="Never, when left out."
      />
    </Dialog>
  );
}
