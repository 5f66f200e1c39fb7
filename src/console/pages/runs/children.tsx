import { Link } from "@tanstack/react-router";
import { useSyncExternalStore } from "react";
import type { Run, RunTree } from "../../../protocol/runs.ts";
import { feed } from "../../live/feed.ts";
import { Glyph } from "../../ui/glyph.tsx";
import { Section } from "../../ui/page.tsx";
import { runState } from "../../ui/states.ts";
import { aboutRun } from "./about.ts";

/** A run below another one, with how far below. */
interface Below {
  run: Run;
  depth: number;
}

/** Runs in the order of a tree: each before those that it asked for. */
function inOrder(parentId: string, all: readonly Run[], depth = 0): Below[] {
  return all
    .filter((run) => run.parentId === parentId)
    .flatMap((run) => [{ run, depth }, ...inOrder(run.id, all, depth + 1)]);
}

const BAR: Partial<Record<string, string>> = {
  ...{ "text-red": "bg-red", "text-violet": "border border-violet", "text-ink3": "border border-ink3" },
};

/** Runs that a run asked for, as tracks over the time since it was made. */
export function Children({ tree: { run, descendants } }: { tree: RunTree }) {
  const now = useSyncExternalStore(feed.onTick, feed.now);
  const from = Date.parse(run.createdAt);
  const all = [run, ...descendants];
  const isLive = all.some(({ endedAt }) => endedAt === null);
  const to = isLive ? now : Math.max(...all.map(({ endedAt }) => Date.parse(endedAt ?? "") || 0));
  const share = (time: number): number => Math.max(0, Math.min(100, ((time - from) / Math.max(1, to - from)) * 100));
  return (
    <Section title="Children" note={`${descendants.length}`}>
      <ul className="py-1">
        {inOrder(run.id, descendants).map(({ run: child, depth }) => {
          const { glyph, word, colour } = runState(child);
          const left = share(Date.parse(child.createdAt));
          const right = share(child.endedAt === null ? to : Date.parse(child.endedAt));
          return (
            <li key={child.id} className="py-1" style={{ paddingLeft: depth * 12 }}>
              <Link to="/runs/$id" params={{ id: child.id }} className="flex items-start gap-2 hover:bg-hover">
                <span className="mt-1">
                  <Glyph name={glyph} />
                </span>
                <span className="min-w-0 flex-1 wrap-anywhere">
                  <strong>{child.agentId}</strong> {aboutRun(child)}
                  <span className={`block text-small ${colour}`}>{word}</span>
                </span>
              </Link>
              <span className="relative mt-1 ml-5 block h-1.5" aria-hidden="true">
                <i
                  className={`absolute h-1.5 rounded-track ${BAR[colour] ?? "bg-ink3"}`}
                  style={{ left: `${left}%`, width: `${Math.max(1, right - left)}%` }}
                />
              </span>
            </li>
          );
        })}
      </ul>
    </Section>
  );
}
