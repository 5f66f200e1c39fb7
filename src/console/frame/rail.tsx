import { Link } from "@tanstack/react-router";
import { useSyncExternalStore } from "react";
import { feed } from "../live/feed.ts";
import { Key } from "../ui/button.tsx";
import { HoldButton } from "./holds.tsx";
import { Logo } from "./logo.tsx";
import { PLACES } from "./places.ts";
import { useWho } from "./who.ts";

const LINK =
  "flex h-7 items-center gap-2 rounded-control px-2 text-ink2 hover:bg-hover aria-[current=page]:bg-hover aria-[current=page]:font-semibold aria-[current=page]:text-ink";

/** The rail at the left; below 1100 px its words go, below 760 px the bar at the bottom is in its place. */
export function Rail({ needs }: { needs: number }) {
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
          title={name}
        >
          <Icon className="size-4 shrink-0 lg:hidden" aria-hidden="true" />
          <span className="flex-1 max-lg:sr-only">{name}</span>
          <span className="max-lg:hidden">
            {to === "/" && needs > 0 ? <Count needs={needs} /> : <Key>{`g ${key}`}</Key>}
          </span>
        </Link>
      ))}
      <div className="mt-auto flex flex-col gap-0.5 max-lg:hidden">
        {writes && <HoldButton hasKey className="flex h-7" />}
        <Link to="/settings" className={LINK}>{`${name}${name === role ? "" : ` · ${role}`}`}</Link>
        <Feed />
      </div>
    </nav>
  );
}

const Count = ({ needs }: { needs: number }) => <em className="font-semibold text-amber not-italic">{needs}</em>;

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
export function BottomBar({ needs }: { needs: number }) {
  const item = "flex-1 py-4 text-center text-ink2 aria-[current=page]:font-semibold aria-[current=page]:text-ink";
  return (
    <nav
      aria-label="Places"
      className="fixed inset-x-0 bottom-0 z-10 flex border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] text-small md:hidden"
    >
      {PLACES.filter(({ isOnPhone }) => isOnPhone).map(({ to, name }) => (
        <Link key={to} to={to} className={item} activeOptions={{ exact: to === "/", includeSearch: false }}>
          {name} {to === "/" && needs > 0 && <Count needs={needs} />}
        </Link>
      ))}
      <Link to="/settings" className={item}>
        More
      </Link>
    </nav>
  );
}
