import { getRouteApi, Link } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import type { Schedule } from "../../../protocol/schedules.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useKeys } from "../../frame/keys.ts";
import { useUnnarrowed } from "../../frame/projects.ts";
import { useWho } from "../../frame/who.ts";
import { Button } from "../../ui/button.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";
import { TAB, Tabs } from "../../ui/tabs.tsx";
import { Jobs } from "./jobs.tsx";
import { dayText, nameOf, scheduleState, targetOf, textOf, timesText } from "./words.ts";

const route = getRouteApi("/schedules");
const ScheduleDialog = lazy(async () => ({ default: (await import("./dialog.tsx")).ScheduleDialog }));

/** Messages that are sent by themselves, and the jobs that agents run on their own. */
export function SchedulesPage() {
  const { show } = route.useSearch();
  const { writes } = useWho();
  const [makes, setMakes] = useState(false);
  const list = usePages(["schedules", "list"], (page, signal) => api.schedules.list({ limit: 100, page }, { signal }));
  useKeys(writes ? { c: () => setMakes(true) } : {});
  return (
    <Page
      title={list.isRead ? titleOf(list.items, list.hasMore) : "Schedules"}
      facts={useUnnarrowed()}
      actions={
        writes && (
          <Button hint="c" onClick={() => setMakes(true)}>
            New schedule…
          </Button>
        )
      }
    >
      <Tabs label="Kinds of schedules">
        <Link to="/schedules" search={{}} className={TAB} activeOptions={{ exact: true }}>
          Schedules
        </Link>
        <Link to="/schedules" search={{ show: "jobs" }} className={TAB} activeOptions={{ exact: true }}>
          Agents' own jobs
        </Link>
      </Tabs>
      {show === "jobs" ? (
        <Jobs />
      ) : (
        <Section title="Schedules">
          <Listed
            list={list}
            what="schedules"
            row={scheduleRow}
            link={({ id }) => ({ to: "/schedules/$id", params: { id } })}
            empty={
              <>
                Nothing is scheduled.{" "}
                {writes
                  ? "A new schedule sends a message at a time, once or again and again."
                  : "Members make schedules."}
              </>
            }
          />
        </Section>
      )}
      {makes && (
        <Suspense>
          <ScheduleDialog close={() => setMakes(false)} />
        </Suspense>
      )}
    </Page>
  );
}

function titleOf(items: readonly Schedule[], hasMore: boolean): string {
  if (items.length === 0) return "Nothing is scheduled";
  const [next] = items.flatMap(({ nextAt }) => nextAt ?? []).sort();
  const count = `${items.length}${hasMore ? "+" : ""} ${items.length === 1 ? "schedule" : "schedules"}`;
  return next ? `${count}, the next at ${dayText(next)}` : `${count}, none is due`;
}

function scheduleRow(schedule: Schedule): RowParts {
  const { id, agentId, origin, lastFire, name, failures } = schedule;
  const { glyph, word, colour } = scheduleState(schedule);
  const last = lastFire && `last ${dayText(lastFire.scheduledAt)}: ${lastFire.outcome}`;
  return {
    ...{ id, glyph, kind: agentId },
    what: (
      <>
        <strong>{visible(nameOf(schedule))}</strong> {`to ${visible(targetOf(schedule))}`}
        {name !== null && `: ${visible(textOf(schedule).replace(/\s+/g, " ").slice(0, 120))}`}
      </>
    ),
    why: (
      <>
        <span className={colour}>{visible(word)}</span>
        {[
          timesText(schedule),
          last,
          failures > 0 && `failed ${failures} times in a row`,
          origin === "message" && "a delayed message",
        ]
          .filter(Boolean)
          .map((fact) => ` · ${visible(String(fact))}`)}
      </>
    ),
  };
}
