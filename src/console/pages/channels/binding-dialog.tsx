import type { Binding } from "../../../protocol/bindings.ts";
import type { Channel } from "../../../protocol/channels.ts";
import { api } from "../../api.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { useForm } from "../../ui/form.ts";
import { Choice, TextInput, Tick } from "../../ui/inputs.tsx";
import { useSave } from "../../ui/save.ts";
import { useTargets } from "../threads/targets.ts";
import { draftFrom, type Form, formOf } from "./binding-form.ts";

interface Props {
  channel: Channel;
  binding?: Binding;
  close(): void;
}

/** Binds a chat, or all of a channel, to a target; or changes a binding. */
export function BindingDialog({ channel: { id, name, access }, binding, close }: Props) {
  const { form, set } = useForm<Form>(() => formOf(binding));
  const targets = useTargets();
  const save = useSave({
    ...{ lists: ["channels"], close },
    async act() {
      const made = await api.channels.bind(id, draftFrom(form));
      // Another chat or target makes another binding: the one before ends.
      if (binding && made.id !== binding.id) await api.channels.unbind(id, binding.id);
    },
  });
  const letsIn = access.mode === "listed" && form.conversationId.trim() !== "";
  return (
    <Dialog
      title={binding ? "Change the binding" : "New binding"}
      about={`What is written in ${name} goes to its target. A thread's binding counts before its chat's, and that before one for all chats.`}
      act="Bind"
      isReady={form.target.trim() !== "" && Number.isInteger(Number(form.priority))}
      {...save}
    >
      <TextInput
        name="Chat"
        value={form.conversationId}
        set={set("conversationId")}
        placeholder="all chats"
        isMono
        about={letsIn && "Everyone who writes in this chat is heard then, guest or not."}
      />
      <TextInput name="Thread in it" value={form.threadId} set={set("threadId")} placeholder="all of the chat" isMono />
      <TextInput
        name="Goes to"
        value={form.target}
        set={set("target")}
        options={targets}
        placeholder="an agent, or tag:x"
      />
      <Choice
        name="Becomes"
        value={form.mode}
        set={set("mode")}
        options={{
          "": "as its target needs it",
          exclusive: "a message for one agent",
          claimable: "work for one of a group",
          broadcast: "a message for all of a group",
        }}
      />
      <TextInput
        name="While no target is there, it goes to"
        value={form.fallback}
        set={set("fallback")}
        options={targets}
        placeholder="nobody: it waits"
      />
      <TextInput
        name="Single messages may also go to"
        value={form.also}
        set={set("also")}
        about="Agents that a message beginning with @agent is for, by id, with commas between."
      />
      <TextInput
        name="Priority"
        type="number"
        value={form.priority}
        set={set("priority")}
        about="The highest of a level counts."
      />
      <Choice
        name="Topics"
        value={form.topics}
        set={set("topics")}
        options={{ none: "as they are written", "per-session": "each session has a topic of its own" }}
      />
      <Tick
        name="Send earlier messages there, too"
        value={form.replay}
        set={set("replay")}
        about="Those that went to no agent, each once."
      />
    </Dialog>
  );
}
