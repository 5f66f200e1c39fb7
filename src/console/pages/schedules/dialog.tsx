import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import type { Schedule } from "../../../protocol/schedules.ts";
import { api } from "../../api.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Choice, TextArea, TextInput, Tick } from "../../ui/inputs.tsx";
import { useSave } from "../../ui/save.ts";
import { useSettled } from "../../ui/settled.ts";
import { useTargets } from "../threads/targets.ts";
import { draftOf, type Form, formOf, ZONES } from "./draft.ts";
import { dayText } from "./words.ts";

/** Makes a schedule, or changes one. */
export function ScheduleDialog({ schedule, close }: { schedule?: Schedule; close(): void }) {
  const [form, setForm] = useState<Form>(() => formOf(schedule));
  const navigate = useNavigate();
  const save = useSave({
    ...{ lists: ["schedules"], close },
    async act() {
      const draft = draftOf(form, schedule?.message);
      if (!schedule) return api.schedules.create(draft);
      return api.schedules.patch(schedule.id, { ...draft, name: draft.name ?? null, run: draft.run ?? null });
    },
    done: ({ id }) => void (schedule || navigate({ to: "/schedules/$id", params: { id } })),
  });
  const set = (change: Partial<Form>): void => setForm((had) => ({ ...had, ...change }));
  return (
    <Dialog
      title={schedule ? "Change the schedule" : "New schedule"}
      about="It sends a message at a time, once or again and again, in your name."
      act={schedule ? "Save" : "Schedule it"}
      isReady={form.to.trim() !== "" && form.body.trim() !== ""}
      {...save}
    >
      <When form={form} set={set} />
      <What form={form} set={set} />
    </Dialog>
  );
}

interface PartProps {
  form: Form;
  set(change: Partial<Form>): void;
}

function When({ form, set }: PartProps) {
  const { kind, cron, timezone, at, missed } = form;
  return (
    <>
      <Choice
        name="When"
        value={kind}
        set={(one) => set({ kind: one })}
        options={{ cron: "again and again", at: "once" }}
      />
      {kind === "at" ? (
        <TextInput name="Time" type="datetime-local" value={at} set={(one) => set({ at: one })} />
      ) : (
        <>
          <TextInput
            name="Cron expression"
            value={cron}
            set={(one) => set({ cron: one })}
            isMono
            placeholder="0 9 * * 1-5"
            about={<NextTimes cron={cron} timezone={timezone} />}
          />
          <TextInput name="Time zone" value={timezone} set={(one) => set({ timezone: one })} options={ZONES} />
          <Choice
            name="Times that pass while the relay is away"
            value={missed}
            set={(one) => set({ missed: one })}
            options={{ once: "one message makes up for all", skip: "are left out" }}
          />
        </>
      )}
    </>
  );
}

/** The next five times of an expression, as the relay reads it. */
function NextTimes({ cron, timezone }: { cron: string; timezone: string }) {
  const asked = useSettled(`${cron}\n${timezone}`);
  const [its = "", zone = "UTC"] = asked.split("\n");
  const { data, error } = useQuery({
    queryKey: ["schedules", "times", its, zone],
    queryFn: ({ signal }) => api.schedules.times({ cron: its, timezone: zone }, { signal }),
    enabled: its.trim() !== "",
  });
  if (error) return <span className="text-red">{error.message}</span>;
  return data ? `Next: ${data.items.map(dayText).join(" · ")}` : "Minute, hour, day of month, month, day of week.";
}

function What({ form, set }: PartProps) {
  const { to, body, name, claimable, isRun, model } = form;
  const targets = useTargets();
  const models = useQuery({
    queryKey: ["models", "names"],
    queryFn: ({ signal }) => api.models.list({ limit: 500 }, { signal }),
    enabled: isRun,
  });
  return (
    <>
      <TextInput
        name="To"
        value={to}
        set={(one) => set({ to: one })}
        options={targets}
        placeholder="an agent, or tag:x"
      />
      <TextArea name="Message" value={body} set={(one) => set({ body: one })} />
      <TextInput name="Name, for people" value={name} set={(one) => set({ name: one })} />
      <Tick name="Work for exactly one of them" value={claimable} set={(one) => set({ claimable: one })} />
      <Tick name="Each becomes a run" value={isRun} set={(one) => set({ isRun: one })} />
      {isRun && (
        <TextInput
          name="Model"
          value={model}
          set={(one) => set({ model: one })}
          options={models.data?.items.map(({ id }) => id) ?? []}
          placeholder="the agent's default"
        />
      )}
    </>
  );
}
