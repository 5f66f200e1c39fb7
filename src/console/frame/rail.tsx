import { Link } from "@tanstack/react-router";
import { Settings } from "lucide-react";
import { useSyncExternalStore } from "react";
import { visible } from "../../protocol/visible.ts";
import { feed } from "../live/feed.ts";
import { projectName } from "../ui/exact.tsx";
import { HoldButton } from "./holds.tsx";
import { Logo } from "./logo.tsx";
import { PLACES } from "./places.ts";
import { useActiveProjects, useProject } from "./projects.ts";
import { useWho } from "./who.ts";

const LINK =
  "flex h-7 items-center gap-2 rounded-control px-2 text-ink2 hover:bg-hover aria-[current=page]:bg-hover aria-[current=page]:font-semibold aria-[current=page]:text-ink";

/** The rail at the left; below 1100 px its words go, below 760 px the bar at the bottom is in its place. */
export function Rail({ needs }: { needs: string | undefined }) {
  const { name, role, writes } = useWho();
  return (
    <nav
      aria-label="Places"
      className="sticky top-0 flex h-dvh w-52 shrink-0 flex-col gap-0.5 overflow-y-auto border-r border-line px-2 py-4 max-lg:w-12 max-md:hidden"
    >
      <Link to="/" className="flex items-center gap-2 px-2 pb-4 text-title font-semibold" aria-label="Signalbox">
        <Logo />
        <span className="max-lg:hidden">Signalbox</span>
      </Link>
      {PLACES.map(({ to, name, key, icon: Icon }) => (
        <Link
          key={to}
          to={to}
          className={LINK}
          activeOptions={{ exact: to === "/", includeSearch: false }}
          title={`${name} (g ${key})`}
        >
          <Icon className="size-4 shrink-0 lg:hidden" aria-hidden="true" />
          <span className="flex-1 max-lg:sr-only">{name}</span>
          {to === "/" && needs && (
            <span className="max-lg:hidden">
              <Count needs={needs} />
            </span>
          )}
        </Link>
      ))}
      <Projects />
      <div className="mt-auto flex flex-col gap-0.5">
        {writes && <HoldButton hasKey className="flex h-7 max-lg:hidden" />}
        <Link to="/settings" className={LINK} title="Settings">
          <Settings className="size-4 shrink-0 lg:hidden" aria-hidden="true" />
          <span className="min-w-0 flex-1 truncate max-lg:sr-only">{`${name}${name === role ? "" : ` · ${role}`}`}</span>
        </Link>
        <span className="max-lg:hidden">
          <Feed />
        </span>
      </div>
    </nav>
  );
}

/** Projects in which something lives or waits for a person: one of them shows every page for it alone. */
function Projects() {
  const { project, choose } = useProject();
  const active = useActiveProjects();
  const isKnown = project === undefined || active.some(({ name }) => name === project);
  const shown = isKnown ? active : [...active, { name: project, live: 0, needs: 0 }];
  if (shown.length === 0) return null;
  return (
    <section aria-label="Projects" className="mt-4 flex flex-col gap-0.5 max-lg:hidden">
      <h2 className="px-2 pb-1 text-small font-semibold text-ink3">Projects</h2>
      {shown.map(({ name, live, needs }) => (
        <button
          key={name}
          type="button"
          aria-pressed={name === project}
          title={`${visible(name)}: ${live} live, ${needsWords(needs)}`}
          onClick={() => choose(name === project ? undefined : name)}
          className={`${LINK} shrink-0 cursor-pointer text-left aria-pressed:bg-selected aria-pressed:font-semibold aria-pressed:text-ink`}
        >
          <span className="min-w-0 flex-1 truncate">{projectName(name)}</span>
          {needs > 0 && <Count needs={`${needs}`} />}
          <span className="font-mono text-small text-ink3">{live || ""}</span>
        </button>
      ))}
    </section>
  );
}

const needsWords = (needs: number): string => (needs === 1 ? "1 thing needs you" : `${needs} things need you`);

const Count = ({ needs }: { needs: string }) => <em className="font-semibold text-amber not-italic">{needs}</em>;

/** Whether what is shown is what is. */
export function Feed() {
  const asOf = useSyncExternalStore(feed.onChange, feed.asOf);
  return (
    <span className="flex items-center gap-1.5 px-2 py-1 text-small text-ink3" role="status">
      <i className={`size-1.5 rounded-full ${asOf === undefined ? "bg-green" : "bg-grey"}`} />
      {asOf === undefined ? "live" : `as of ${new Date(asOf).toLocaleTimeString()}`}
    </span>
  );
}

/** Below 760 px: the first places, and the rest under More. */
export function BottomBar({ needs }: { needs: string | undefined }) {
  const item = "flex-1 py-4 text-center text-ink2 aria-[current=page]:font-semibold aria-[current=page]:text-ink";
  return (
    <nav
      aria-label="Places"
      className="fixed inset-x-0 bottom-0 z-10 flex border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] text-small md:hidden"
    >
      {PLACES.filter(({ isOnPhone }) => isOnPhone).map(({ to, name }) => (
        <Link key={to} to={to} className={item} activeOptions={{ exact: to === "/", includeSearch: false }}>
          {name} {to === "/" && needs && <Count needs={needs} />}
        </Link>
      ))}
      <Link to="/settings" className={item}>
        More
      </Link>
    </nav>
  );
}
