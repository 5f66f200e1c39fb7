import { type NewWebhook, WEBHOOK_EVENTS, type Webhook, type WebhookDraft } from "../../../protocol/webhooks.ts";
import { api } from "../../api.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { useForm } from "../../ui/form.ts";
import { TextInput, Tick } from "../../ui/inputs.tsx";
import { useSave } from "../../ui/save.ts";
import { useTargets } from "../threads/targets.ts";

type Event = Webhook["events"][number];
interface Form {
  name: string;
  url: string;
  events: readonly Event[];
  from: string;
  to: string;
  topic: string;
}

const formOf = (one: Webhook | undefined): Form => ({
  ...{ name: one?.name ?? "", url: one?.url ?? "", events: one?.events ?? ["message.created"] },
  ...{ from: one?.filter.from ?? "", to: one?.filter.to ?? "", topic: one?.filter.topic ?? "" },
});

const draftOf = ({ name, url, events, from, to, topic }: Form, before: Webhook["filter"] = {}): WebhookDraft => {
  const { kind } = before;
  const filter = { ...(from && { from }), ...(to && { to }), ...(topic && { topic }), ...(kind && { kind }) };
  return { ...(name && { name }), url: url.trim(), events: [...events], filter };
};

interface Props {
  webhook?: Webhook;
  made(webhook: NewWebhook): void;
  close(): void;
}

/** Makes a webhook, or changes one. */
export function WebhookDialog({ webhook, made, close }: Props) {
  const { form, set } = useForm<Form>(() => formOf(webhook));
  const targets = useTargets();
  const save = useSave({
    ...{ lists: ["webhooks"], close },
    async act() {
      const draft = draftOf(form, webhook?.filter);
      if (webhook) await api.webhooks.patch(webhook.id, { ...draft, name: draft.name ?? null });
      else made(await api.webhooks.create(draft));
    },
  });
  const turn = (event: Event, isOn: boolean): void =>
    set("events")(isOn ? [...form.events, event] : form.events.filter((one) => one !== event));
  return (
    <Dialog
      title={webhook ? "Change the webhook" : "New webhook"}
      about="Each event is a signed POST, made at least once: what fails is tried again over a day."
      act={webhook ? "Save" : "Make it"}
      isReady={form.url.trim() !== "" && form.events.length > 0}
      {...save}
    >
      <TextInput
        name="URL"
        type="url"
        value={form.url}
        set={set("url")}
        placeholder="https://example.org/hooks/signalbox"
      />
      <TextInput name="Name" value={form.name} set={set("name")} />
      <fieldset>
        <legend className="text-small text-ink3">Events</legend>
        <div className="grid md:grid-cols-2">
          {WEBHOOK_EVENTS.map((event) => (
            <Tick key={event} name={event} value={form.events.includes(event)} set={(isOn) => turn(event, isOn)} />
          ))}
        </div>
      </fieldset>
      <TextInput name="Only of messages from" value={form.from} set={set("from")} options={targets} />
      <TextInput name="Only of messages to" value={form.to} set={set("to")} options={targets} />
      <TextInput name="Only of the topic" value={form.topic} set={set("topic")} />
    </Dialog>
  );
}
