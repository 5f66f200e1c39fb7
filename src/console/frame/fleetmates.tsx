import { useQuery } from "@tanstack/react-query";
import { Link, useLocation } from "@tanstack/react-router";
import { visible } from "../../protocol/visible.ts";
import { api } from "../api.ts";
import { Glyph } from "../ui/glyph.tsx";
import { sessionState } from "../ui/states.ts";
import { useProject } from "./projects.ts";

/** The fleet beside one session or run: a slim column of the others' states, so that none is out of sight. */
export function Fleetmates() {
  const { pathname } = useLocation();
  const [, shownId] = /^\/(?:sessions|runs)\/([^/]+)/.exec(pathname) ?? [];
  const { project } = useProject();
  const { data } = useQuery({
    queryKey: ["sessions", "live", { project }],
    queryFn: ({ signal }) => api.sessions.list({ live: "true", limit: 200, project }, { signal }),
    enabled: shownId !== undefined,
  });
  const items = data?.items ?? [];
  if (shownId === undefined || items.length < 2) return null;
  return (
    <nav
      aria-label="Fleet"
      className="sticky top-0 flex h-dvh w-11 shrink-0 flex-col items-center gap-0.5 overflow-y-auto border-r border-line py-4 max-md:hidden"
    >
      {items.map((session) => {
        const { glyph, word } = sessionState(session);
        const isShown = session.id === shownId || session.runId === shownId;
        const name = visible(`${session.agentId}: ${word}${session.name ? `, ${session.name}` : ""}`);
        return (
          <Link
            key={session.id}
            to="/sessions/$id"
            params={{ id: session.id }}
            title={name}
            aria-label={name}
            aria-current={isShown ? "true" : undefined}
            className="flex size-8 shrink-0 items-center justify-center rounded-control hover:bg-hover aria-[current]:bg-selected"
          >
            <Glyph name={glyph} />
          </Link>
        );
      })}
    </nav>
  );
}
