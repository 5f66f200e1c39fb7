import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { PushSubscription } from "../../../protocol/push.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useWho } from "../../frame/who.ts";
import { deviceName } from "../../push/device.ts";
import { allowPush, endPush, obstacle } from "../../push/push.ts";
import { useAct } from "../../ui/act.ts";
import { Age } from "../../ui/age.tsx";
import { Button } from "../../ui/button.tsx";
import { Empty, Failure } from "../../ui/notes.tsx";
import { Page, Section } from "../../ui/page.tsx";

/** Push to this device, and the other devices of the same person. */
export function DeviceSection() {
  const devices = useQuery({ queryKey: ["devices"], queryFn: ({ signal }) => api.push.list({ signal }) });
  const items = devices.data?.items ?? [];
  const own = items.find(({ device }) => device === deviceName());
  const title = own ? "This device is told by push" : devices.data ? "This device is told nothing" : "This device";
  return (
    <Page
      title={title}
      facts="Approvals, messages to you, ends of your runs and blocked results; never while you look at it."
    >
      <Section title="This device">
        <div className="flex flex-col gap-3 px-3 py-4">
          <NotWanted />
          <ThisDevice own={own} />
        </div>
      </Section>
      <Section title="Your devices">
        {devices.error && <Failure error={devices.error} retry={() => void devices.refetch()} />}
        {devices.data && items.length === 0 && <Empty>None of your devices is told by push yet.</Empty>}
        <ul>
          {items.map((one) => (
            <Device key={one.id} device={one} isThis={one === own} />
          ))}
        </ul>
      </Section>
    </Page>
  );
}

/** The switch of this device, or why there is none. */
function ThisDevice({ own }: { own: PushSubscription | undefined }) {
  const why = obstacle();
  const [previews, setPreviews] = useState(false);
  const cache = useQueryClient();
  const allow = useAct(async (with_: boolean) => {
    await allowPush(with_);
    await cache.invalidateQueries({ queryKey: ["devices"] });
    return { said: own ? "Changed" : "This device is told by push" };
  });
  if (why) return <p role="status">{why}</p>;
  return (
    <>
      <label className="flex min-h-8 items-center gap-2 max-md:min-h-12">
        <input
          type="checkbox"
          checked={own?.previews ?? previews}
          disabled={allow.isPending}
          onChange={({ target }) => (own ? allow.mutate(target.checked) : setPreviews(target.checked))}
        />
        Show titles and the beginning of texts, on the locked screen, too
      </label>
      {!own && (
        <div className="flex max-md:flex-col">
          <Button kind="primary" disabled={allow.isPending} onClick={() => allow.mutate(previews)}>
            Allow notifications
          </Button>
        </div>
      )}
      {allow.error && <Failure error={allow.error} />}
    </>
  );
}

/** A person whose entry names no push is told nothing, whatever the device allows. */
function NotWanted() {
  const { personId, isOperator } = useWho();
  const cache = useQueryClient();
  const person = useQuery({
    queryKey: ["person", personId],
    queryFn: ({ signal }) => api.people.get(personId ?? "", { signal }),
    enabled: personId != null,
  });
  const add = useAct(async () => {
    if (!person.data) return undefined;
    const { id, name, role, notify } = person.data;
    await api.people.put(id, { name, role, notify: [...notify, "push"] });
    await cache.invalidateQueries({ queryKey: ["person"] });
    return { said: "Push is among your places now" };
  });
  if (!person.data || person.data.notify.includes("push")) return null;
  return (
    <div className="flex flex-wrap items-center gap-3" role="status">
      <span>
        {`Nothing is pushed to ${visible(person.data.name)} yet: push is not among the places where you are asked. `}
        {!isOperator && (
          <>
            An operator adds it:{" "}
            <code className="font-mono whitespace-nowrap">{`signalbox people put ${person.data.id} --notify push`}</code>
          </>
        )}
      </span>
      {isOperator && <Button onClick={() => add.mutate(undefined)}>Add push</Button>}
    </div>
  );
}

function Device({
  device: { id, device, service, failingSince, lastSentAt },
  isThis,
}: {
  device: PushSubscription;
  isThis: boolean;
}) {
  const cache = useQueryClient();
  const end = useAct(async () => {
    if (isThis) await endPush();
    await api.push.delete(id);
    await cache.invalidateQueries({ queryKey: ["devices"] });
    return { said: `${device} is told nothing more` };
  });
  return (
    <li className="flex flex-wrap items-center gap-3 border-b border-line px-3 py-2">
      <span className="min-w-0 flex-1 wrap-anywhere">
        <strong>{device}</strong>
        {isThis && " · this device"}
        <span className="block text-small text-ink3">
          {`through ${service}`}
          {failingSince ? (
            <span className="text-red">
              {" · fails since "}
              <Age since={failingSince} />
            </span>
          ) : (
            lastSentAt && (
              <>
                {" · last told "}
                <Age since={lastSentAt} />
              </>
            )
          )}
        </span>
      </span>
      <Button disabled={end.isPending} onClick={() => end.mutate(undefined)} aria-label={`End ${device}`}>
        End
      </Button>
    </li>
  );
}
