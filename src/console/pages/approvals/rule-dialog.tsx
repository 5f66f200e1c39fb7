import { useQuery } from "@tanstack/react-query";
import { toast } from "sonner";
import type { ApprovalRule, ApprovalRuleDraft } from "../../../protocol/approval-rules.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { useForm } from "../../ui/form.ts";
import { Choice, TextInput } from "../../ui/inputs.tsx";
import { useSave } from "../../ui/save.ts";
import { useSettled } from "../../ui/settled.ts";
import { useAgentIds } from "../threads/targets.ts";

interface Form {
  decision: "allow" | "deny" | "ask";
  tool: string;
  match: string;
  under: string;
  agentId: string;
  position: string;
}

const TOOLS = ["command", "edit", "fetch", "*"];

const draftOf = ({ decision, tool, match, under, agentId, position }: Form): ApprovalRuleDraft => ({
  ...{ decision, tool: tool.trim() },
  ...(match !== "" && { match }),
  ...(under.trim() !== "" && { under: under.trim() }),
  ...(agentId.trim() !== "" && { agentId: agentId.trim() }),
  ...(position !== "" && { position: Number(position) }),
});

const formOf = ({ decision, tool, match, under, agentId, position }: ApprovalRule): Form => ({
  ...{ decision, tool, match: match ?? "", under: under ?? "", agentId: agentId ?? "", position: `${position}` },
});

/** Adds a rule, or changes one, and shows which of the last permissions it would have decided. */
export function RuleDialog({ rule, close }: { rule?: ApprovalRule; close(): void }) {
  const { form, set } = useForm<Form>(
    rule ? formOf(rule) : { decision: "allow", tool: "command", match: "", under: "", agentId: "", position: "" },
  );
  const agents = useAgentIds();
  const add = useSave({
    ...{ lists: ["rules"], close },
    act: () =>
      rule
        ? api.approvals.changeRule(rule.id, { agentId: null, match: null, under: null, ...draftOf(form) })
        : api.approvals.addRule(draftOf(form)),
    done: ({ answered }) => void (answered.length > 0 && toast(`It answered ${answered.length} that waited`)),
  });
  return (
    <Dialog
      title={rule ? "Change the rule" : "Add a rule"}
      about="It answers permissions in place of a person, also those that wait now."
      act={rule ? "Change" : "Add"}
      isReady={form.tool.trim() !== ""}
      {...add}
    >
      <Choice
        name="Decision"
        value={form.decision}
        set={set("decision")}
        options={{
          allow: "allow, without a person",
          deny: "deny, whatever else allows it",
          ask: "ask a person, whatever later rules say",
        }}
      />
      <TextInput
        name="Tool"
        value={form.tool}
        set={set("tool")}
        options={TOOLS}
        isMono
        about="command, edit, fetch, server/name of a tool, or * for everything."
      />
      <TextInput
        name="Match"
        value={form.match}
        set={set("match")}
        isMono
        placeholder="git status*"
        about="Over the whole argument: the command line, the path, the URL, or a tool's input as JSON. * is any text, ? one character. A command line with ; & | < > ` $( or a line break is allowed by exact text alone."
      />
      <TextInput
        name="Under"
        value={form.under}
        set={set("under")}
        isMono
        placeholder="any folder"
        about="Folder in which the command runs, or the edited file lies, after links are resolved."
      />
      <TextInput name="Agent" value={form.agentId} set={set("agentId")} options={agents} placeholder="every agent" />
      <TextInput name="Position" type="number" value={form.position} set={set("position")} placeholder="the last" />
      <Preview form={form} />
    </Dialog>
  );
}

/** Permissions of the last time that the rule would have decided. */
function Preview({ form }: { form: Form }) {
  const asked = useSettled(JSON.stringify(draftOf(form)));
  const { data, error } = useQuery({
    queryKey: ["rules", "preview", asked],
    queryFn: ({ signal }) => api.approvals.previewRule(JSON.parse(asked) as ApprovalRuleDraft, { signal }),
    enabled: form.tool.trim() !== "",
  });
  if (error) return <p className="text-small text-red">{visible(error.message)}</p>;
  if (!data) return null;
  const { looked, items } = data;
  return (
    <section aria-label="Preview" className="rounded-control bg-sunken px-3 py-2 text-small">
      <p role="status">
        {looked === 0
          ? "No permission was asked for yet to try it on."
          : `Of the last ${looked} permissions it matches ${items.length}.`}
      </p>
      <ul className="max-h-40 overflow-y-auto text-ink2">
        {items.map(({ id, agentId, argument, decides }) => (
          <li key={id} className="truncate py-0.5">
            <strong>{agentId}</strong> <code className="font-mono">{visible(argument)}</code>
            {!decides && " · another rule decides, or a person has to look"}
          </li>
        ))}
      </ul>
    </section>
  );
}
