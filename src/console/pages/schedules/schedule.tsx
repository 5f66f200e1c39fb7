import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import type { FireDetail, Schedule } from "../../../protocol/schedules.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useKeys } from "../../frame/keys.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { useBack } from "../../ui/back.ts";
import { Button } from "../../ui/button.tsx";
import { Exact, Facts } from "../../ui/exact.tsx";
import { Listed } from "../../ui/listed.tsx";
import { One } from "../../ui/one.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";
import { SureButton } from "../../ui/sure.tsx";
import { dayText, fireState, nameOf, scheduleState, targetOf, timesText } from "./words.ts";

const route = getRouteApi("/schedules/$id");
const ScheduleDialog = lazy(async () => ({ default: (await import("./dialog.tsx")).ScheduleDialog }));
const LINK = "text-accent underline";

/** One schedule: its next times, its message, and what each time became. */
export function SchedulePage() {
  const { id } = route.useParams();
  const query = useQuery({
    queryKey: ["schedules", "one", id],
    queryFn: ({ signal }) => api.schedules.get(id, { signal }),
  });
  useBack("/schedules");
  return (
    <One query={query} what="schedule">
      {(schedule) => <View key={id} schedule={schedule} />}
    </One>
  );
}

function View({ schedule }: { schedule: Schedule }) {
  const { word } = scheduleState(schedule);
  const { agentId, missed, run, origin, fires, message } = schedule;
  return (
    <Page
      title={visible(`${nameOf(schedule)}: ${word}`)}
      facts={visible(`${timesText(schedule)} · in the name of ${agentId}`)}
      actions={<Verbs schedule={schedule} />}
    >
      <Section title="Message">
        <Facts
          items={[
            `to ${visible(targetOf(schedule))}`,
            message.claimable === true && "work for one of them",
            message.urgent === true && "urgent",
            run && `each becomes a run${run.model ? ` with ${visible(run.model)}` : ""}`,
            missed === "skip" ? "times that passed are skipped" : "times that passed are made up for by one message",
            origin === "message" && "a message with a deliverAt: it can be cancelled, not changed",
          ]}
        />
        <Exact>{message.encoding === "opaque" ? "This message is encrypted." : String(message.body ?? "")}</Exact>
      </Section>
      <NextTimes schedule={schedule} />
      <Fires id={schedule.id} fires={fires} />
    </Page>
  );
}

function NextTimes({ schedule: { cron, timezone, enabled } }: { schedule: Schedule }) {
  const { data } = useQuery({
    queryKey: ["schedules", "times", cron, timezone],
    queryFn: ({ signal }) => api.schedules.times({ cron: cron ?? "", timezone }, { signal }),
    enabled: cron !== null && enabled,
  });
  if (!data) return null;
  return (
    <Section title="Next times" note="in the time zone of this browser">
      <p className="px-3 py-2 font-mono text-small">{data.items.map(dayText).join(" · ")}</p>
    </Section>
  );
}

function Verbs({ schedule }: { schedule: Schedule }) {
  const { id, enabled, agentId, origin, fires, lastFire } = schedule;
  const { isOperator, writes, name, role } = useWho();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const [edits, setEdits] = useState(false);
  const readAgain = () => cache.invalidateQueries({ queryKey: ["schedules"] });
  const isPlain = origin === "schedule";
  const may = isOperator || (writes && agentId === "user");
  const run = useAct(async () => {
    const fire = await api.schedules.run(id);
    await readAgain();
    return { said: fire.messageId === null ? fireState(fire).word : `Sent as message ${fire.messageId}` };
  });
  const turn = useAct(async (to: boolean) => {
    await api.schedules.patch(id, { enabled: to });
    await readAgain();
    const back = () => api.schedules.patch(id, { enabled: !to }).then(readAgain);
    return {
      said: to ? "It goes on" : "Paused: nothing is sent until it goes on",
      ...(isPlain && { undo: back }),
    };
  });
  const remove = useAct(async () => {
    await api.schedules.delete(id);
    await navigate({ to: "/schedules" });
    await readAgain();
    return { said: "Deleted" };
  });
  const runNow = (): void => run.mutate(undefined);
  useKeys(may && isPlain ? { r: runNow, p: () => turn.mutate(!enabled), e: () => setEdits(true) } : {});
  if (!may)
    return (
      <span className="text-small text-ink2">{`${name} is a ${role}: ${writes ? "operators change" : "operators and members change"} it.`}</span>
    );
  return (
    <>
      {!isPlain && !enabled && lastFire === null && (
        <Button disabled={turn.isPending} onClick={() => turn.mutate(true)}>
          Go on
        </Button>
      )}
      {isPlain && (
        <>
          <Button kind="primary" hint="r" disabled={run.isPending} onClick={runNow}>
            Run now
          </Button>
          <Button hint="p" disabled={turn.isPending} onClick={() => turn.mutate(!enabled)}>
            {enabled ? "Pause" : "Go on"}
          </Button>
          <Button hint="e" onClick={() => setEdits(true)}>
            Edit…
          </Button>
        </>
      )}
      <SureButton
        sure={fires > 0 ? "Delete it: its history goes, too" : "Delete it"}
        disabled={remove.isPending}
        onClick={() => remove.mutate(undefined)}
      >
        Delete
      </SureButton>
      {edits && (
        <Suspense>
          <ScheduleDialog schedule={schedule} close={() => setEdits(false)} />
        </Suspense>
      )}
    </>
  );
}

function Fires({ id, fires }: { id: string; fires: number }) {
  const list = usePages(["schedules", "fires", id, fires], (page, signal) =>
    api.schedules.fires(id, { limit: 50, page }, { signal }),
  );
  return (
    <Section title="What each time became" note="the last 100">
      <Listed
        list={list}
        what="its times"
        row={fireRow}
        open={(fire) => <OpenFire fire={fire} />}
        empty="It has not come to its first time yet."
      />
    </Section>
  );
}

function fireRow(fire: FireDetail): RowParts {
  const { glyph, word, colour } = fireState(fire);
  const { n, scheduledAt, by, missedBySeconds, missed } = fire;
  return {
    ...{ id: `${n}`, glyph, since: fire.firedAt },
    what: (
      <>
        <strong>{dayText(scheduledAt)}</strong> <span className={colour}>{visible(word)}</span>
      </>
    ),
    why: [
      by !== null && `run now by ${by}`,
      missedBySeconds > 0 && `late by ${missedBySeconds} s`,
      missed > 0 && `${missed} times had passed before it`,
    ]
      .filter(Boolean)
      .join(" · "),
  };
}

const OpenFire = ({ fire: { message, messageId, run, error, approvalId } }: { fire: FireDetail }) => (
  <Facts
    items={[
      messageId !== null && (
        <Link to="/threads/$id" params={{ id: `${messageId}` }} className={LINK}>{`message ${messageId}`}</Link>
      ),
      run && (
        <Link to="/runs/$id" params={{ id: run.id }} className={LINK}>
          {run.id}
        </Link>
      ),
      message && message.matched > 1 && `acknowledged by ${message.acknowledged} of ${message.matched}`,
      message?.error && visible(message.error),
      error && visible(error),
      approvalId !== null && (
        <Link to="/approvals" className={LINK}>
          {approvalId}
        </Link>
      ),
      messageId === null && !error && approvalId === null && "nothing was sent",
    ]}
  />
);
