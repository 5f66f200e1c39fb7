import type { Person, PersonDraft, PersonRole } from "../../../protocol/people.ts";
import { api } from "../../api.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { useForm } from "../../ui/form.ts";
import { Choice, TextArea, TextInput } from "../../ui/inputs.tsx";
import { useSave } from "../../ui/save.ts";
import { linesOf, membersOf } from "./words.ts";

export const ROLES: Record<PersonRole, string> = {
  viewer: "viewer: sees everything, changes nothing",
  member: "member: talks, answers, starts and stops",
  operator: "operator: everything",
};

interface Form {
  id: string;
  name: string;
  role: PersonRole;
  from: string;
  to: string;
  timezone: string;
  ladder: string;
  notify: string;
  senders: string;
}

const zone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

function formOf(person: Person | undefined): Form {
  if (!person)
    return {
      ...{ id: "", name: "", role: "member", from: "", to: "", timezone: zone(), ladder: "", notify: "", senders: "" },
    };
  const { id, name, role, quietHours, ladder, notify, senders } = person;
  return {
    ...{
      id,
      name,
      role,
      from: quietHours?.from ?? "",
      to: quietHours?.to ?? "",
      timezone: quietHours?.timezone ?? zone(),
    },
    ladder: ladder.join(", "),
    notify: notify
      .map((one) =>
        one === "push" ? "push" : [one.channelId, one.conversationId, one.threadId].filter(Boolean).join(" "),
      )
      .join("\n"),
    senders: senders.map(({ channelId, senderId }) => `${channelId} ${senderId}`).join("\n"),
  };
}

const draftOf = ({ name, role, from, to, timezone, ladder, notify, senders }: Form): PersonDraft => ({
  name: name.trim(),
  role,
  quietHours: from && to ? { from, to, timezone } : null,
  ladder: membersOf(ladder),
  notify: linesOf(notify).map(([channelId = "", conversationId = "", threadId]) =>
    channelId === "push" ? ("push" as const) : { channelId, conversationId, ...(threadId && { threadId }) },
  ),
  senders: linesOf(senders).map(([channelId = "", senderId = ""]) => ({ channelId, senderId })),
});

/** Adds a person, or changes one. */
export function PersonDialog({ person, close }: { person?: Person; close(): void }) {
  const { form, set } = useForm<Form>(() => formOf(person));
  const save = useSave({ act: () => api.people.put(form.id.trim(), draftOf(form)), lists: ["people"], close });
  return (
    <Dialog
      title={person ? `Change ${person.name}` : "Add a person"}
      about="What a person does bears the person's name. A weaker role holds at once, for all tokens and sign-ins."
      act={person ? "Save" : "Add"}
      isReady={form.id.trim() !== "" && form.name.trim() !== ""}
      {...save}
    >
      {!person && <TextInput name="Id" value={form.id} set={set("id")} isMono placeholder="ada" />}
      <TextInput name="Name" value={form.name} set={set("name")} placeholder="Ada" />
      <Choice name="Role" value={form.role} set={set("role")} options={ROLES} />
      <TextArea
        name="Where questions are asked, the first that works"
        value={form.notify}
        set={set("notify")}
        isMono
        about="One a line: push, or a channel and a chat in it: telegram:bot 4711."
      />
      <TextInput
        name="Who is asked next, each 15 min after the one before"
        value={form.ladder}
        set={set("ladder")}
        placeholder="ben, cleo"
      />
      <div className="grid grid-cols-2 gap-3">
        <TextInput name="Quiet from" type="time" value={form.from} set={set("from")} />
        <TextInput name="until" type="time" value={form.to} set={set("to")} />
      </div>
      <TextInput name="Time zone of the quiet hours" value={form.timezone} set={set("timezone")} />
      <TextArea
        name="Chat accounts"
        value={form.senders}
        set={set("senders")}
        isMono
        about="One a line: a channel and the account: telegram:bot 77. What they press counts as this person's."
      />
    </Dialog>
  );
}
