import { Link, useParams } from "@tanstack/react-router";
import { Suspense } from "react";
import { HoldButton } from "../../frame/holds.tsx";
import { PLACES } from "../../frame/places.ts";
import { useWho } from "../../frame/who.ts";
import { Empty, Loading } from "../../ui/notes.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { SECTIONS, type SettingsSection } from "./sections.ts";

const LINK =
  "flex h-7 items-center rounded-control px-2 text-ink2 hover:bg-hover aria-[current=page]:bg-hover aria-[current=page]:font-semibold aria-[current=page]:text-ink";

/** The settings: a list of sections at the left and one of them. A phone shows the list first. */
export function SettingsPage() {
  const { section: id } = useParams({ strict: false });
  const { role } = useWho();
  const sections = SECTIONS.filter(({ roles }) => !roles || (role && roles.includes(role)));
  const shown = id === undefined ? SECTIONS[0] : SECTIONS.find((one) => one.id === id);
  return (
    <div className="flex">
      <nav
        aria-label="Settings"
        className="sticky top-0 flex h-dvh w-44 shrink-0 flex-col gap-0.5 overflow-y-auto border-r border-line px-2 pt-6 max-md:hidden"
      >
        {sections.map((one) => (
          <Link
            key={one.id}
            to="/settings/$section"
            params={{ section: one.id }}
            className={LINK}
            aria-current={one === shown ? "page" : undefined}
          >
            {one.name}
          </Link>
        ))}
      </nav>
      {id === undefined && <More sections={sections} />}
      <div className={`min-w-0 flex-1 ${id === undefined ? "max-md:hidden" : ""}`}>
        <nav aria-label="Way back" className="border-b border-line md:hidden">
          <Link to="/settings" className="flex h-12 items-center px-4 text-accent">
            All settings
          </Link>
        </nav>
        <Suspense fallback={<Loading what="the settings" />}>
          {shown ? <Shown section={shown} /> : <Unknown />}
        </Suspense>
      </div>
    </div>
  );
}

function Shown({ section: { name, roles, Content } }: { section: SettingsSection }) {
  const { role, name: me } = useWho();
  if (!role) return null;
  if (!roles || roles.includes(role)) return <Content />;
  return (
    <Page title={`${name} is not yours to see`}>
      <Empty>{`${me} is ${role === "operator" ? "an" : "a"} ${role}: ${roles.map((one) => `${one}s`).join(" and ")} see it.`}</Empty>
    </Page>
  );
}

const Unknown = () => (
  <Page title="There is no such section">
    <Empty>
      <Link to="/settings" className="text-accent underline">
        All settings
      </Link>
    </Empty>
  </Page>
);

/** Below 760 px: places that the bar at the bottom has no room for, and the sections. */
function More({ sections }: { sections: readonly SettingsSection[] }) {
  const { writes } = useWho();
  const row = "flex min-h-12 flex-col justify-center border-b border-line px-3 py-1";
  return (
    <div className="min-w-0 flex-1 md:hidden">
      <Page title="More">
        <Section title="Places">
          {PLACES.filter(({ isOnPhone }) => !isOnPhone).map(({ to, name }) => (
            <Link key={to} to={to} className={row}>
              {name}
            </Link>
          ))}
          {writes && <HoldButton className="flex h-12 w-full px-3" />}
        </Section>
        <Section title="Settings">
          {sections.map(({ id, name, about }) => (
            <Link key={id} to="/settings/$section" params={{ section: id }} className={row}>
              {name}
              <span className="text-small text-ink3">{about}</span>
            </Link>
          ))}
        </Section>
      </Page>
    </div>
  );
}
