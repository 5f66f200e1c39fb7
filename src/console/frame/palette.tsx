import { useQuery } from "@tanstack/react-query";
import { type LinkProps, useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { Dialog as Radix } from "radix-ui";
import { useState } from "react";
import { visible } from "../../protocol/visible.ts";
import { api } from "../api.ts";
import { aboutRun } from "../pages/runs/about.ts";
import { parseSearch } from "../search/query.ts";
import { Key } from "../ui/button.tsx";
import { type Act, shownActs } from "./acts.ts";
import { PLACES } from "./places.ts";
import { useProject, useProjects } from "./projects.ts";
import { recent, remember } from "./recent.ts";
import { show } from "./shown-dialog.ts";
import { signedOut } from "./signed-out.ts";
import { setTheme, type Theme } from "./theme.ts";
import { useWho } from "./who.ts";

interface Thing {
  name: string;
  link: LinkProps;
}

const GROUP =
  "[&_[cmdk-group-heading]]:px-3 [&_[cmdk-group-heading]]:pt-3 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-small [&_[cmdk-group-heading]]:font-semibold [&_[cmdk-group-heading]]:text-ink3";
const ITEM =
  "flex h-8 cursor-pointer items-center gap-2 px-3 data-[selected=true]:bg-selected data-[selected=true]:text-ink max-md:h-12";

/** Parts of an item's value: its group tells items of one name apart, and is not looked for. */
const itemValue = (group: string, name: string, id = ""): string => `${group}|${name} ${id}`;

/** Each word has to be in the name. Names that begin with the text come first, then those that the relay found. */
function scoreOf(value: string, text: string, keywords: string[] = []): number {
  const name = value.slice(value.indexOf("|") + 1).toLowerCase();
  const wanted = text.trim().toLowerCase();
  if (name.startsWith(wanted)) return 1;
  if (wanted.split(/\s+/).every((word) => name.includes(word))) return 0.6;
  return keywords.length > 0 ? 0.3 : 0;
}

/** Everything by its name: acts on what is shown, places, things, and what was opened last. */
export function Palette({ close }: { close(): void }) {
  const navigate = useNavigate();
  const [text, setText] = useState("");
  // The page below does not change while this is open.
  const [acts] = useState(shownActs);
  const common = useCommonActs();
  const groups = useThings(text);
  const { choose } = useProject();
  const projects = useProjects();
  const act = (run: () => void) => () => {
    close();
    run();
  };
  function go({ name, link }: Thing): void {
    close();
    remember({ name, link });
    void navigate(link);
  }
  const thing = (one: Thing, group: string, isFound = false) => (
    <Command.Item
      key={`${group} ${JSON.stringify(one.link.params ?? one.link.to)}`}
      value={itemValue(group, one.name, JSON.stringify(one.link.params ?? ""))}
      keywords={isFound ? [text] : []}
      onSelect={() => go(one)}
      className={ITEM}
    >
      <span className="truncate">{visible(one.name)}</span>
    </Command.Item>
  );
  const actItem = ({ name, hint, run }: Act) => (
    <Command.Item key={`act ${name}`} value={itemValue("act", name)} onSelect={act(run)} className={ITEM}>
      <span className="flex-1 truncate">{visible(name)}</span>
      {hint && <Key>{hint}</Key>}
    </Command.Item>
  );
  const places = PLACES.map(({ name, to, key }): Act => ({ name, hint: `g ${key}`, run: () => void navigate({ to }) }));
  return (
    <Radix.Root open modal={false} onOpenChange={(isOpen) => !isOpen && close()}>
      <Radix.Portal>
        <div className="fixed inset-0 z-20 bg-[rgb(0_0_0/0.4)]" aria-hidden="true" onClick={close} />
        <Radix.Content
          aria-describedby={undefined}
          className="fixed top-[12vh] left-1/2 z-30 w-140 max-w-[calc(100vw-32px)] -translate-x-1/2 animate-enter overflow-hidden rounded-control border border-line bg-surface shadow-float max-md:top-4"
        >
          <Radix.Title className="sr-only">Everything</Radix.Title>
          <Command label="Everything" loop filter={scoreOf}>
            <Command.Input
              autoFocus
              value={text}
              onValueChange={setText}
              placeholder="Search or command"
              className="h-11 w-full border-b border-line bg-surface px-3 text-title outline-none"
            />
            <Command.List className="max-h-[60vh] overflow-y-auto pb-2">
              {acts.length > 0 && (
                <Command.Group heading="Here" className={GROUP}>
                  {acts.map(actItem)}
                </Command.Group>
              )}
              {text === "" && recent().length > 0 && (
                <Command.Group heading="Recent" className={GROUP}>
                  {recent().map((one) => thing(one, "recent"))}
                </Command.Group>
              )}
              <Command.Group heading="Places" className={GROUP}>
                {places.map(actItem)}
              </Command.Group>
              {text !== "" &&
                groups.map(({ heading, things, isFound }) => (
                  <Command.Group key={heading} heading={heading} className={GROUP}>
                    {things.map((one) => thing(one, heading, isFound))}
                  </Command.Group>
                ))}
              {projects.length > 0 && (
                <Command.Group heading="Projects" className={GROUP}>
                  {projects.map(({ name }) => actItem({ name: `Project ${name}`, run: () => choose(name) }))}
                  {actItem({ name: "All projects", run: () => choose(undefined) })}
                </Command.Group>
              )}
              <Command.Group heading="Acts" className={GROUP}>
                {common.map(actItem)}
              </Command.Group>
              {text !== "" && (
                <Command.Item
                  forceMount
                  value={itemValue("search", text)}
                  onSelect={act(() => void navigate({ to: "/search", search: parseSearch(text) }))}
                  className={ITEM}
                >
                  {`Search for “${text}”`}
                </Command.Item>
              )}
            </Command.List>
          </Command>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

const THEMES: Record<Theme, string> = { light: "Light colours", dark: "Dark colours", system: "Colours of the system" };

/** Acts of every page. */
function useCommonActs(): Act[] {
  const { writes, isOperator } = useWho();
  const out = (): void => void api.signIn.signOut({ everywhere: false }).then(signedOut);
  return [
    ...(writes ? [{ name: "Spawn an agent…", run: () => show("spawn") }] : []),
    ...(isOperator ? [{ name: "Connect another…", run: () => show("connect") }] : []),
    ...(isOperator ? [{ name: "Make an agent…", run: () => show("agent") }] : []),
    ...(Object.keys(THEMES) as Theme[]).map((theme) => ({ name: THEMES[theme], run: () => setTheme(theme) })),
    { name: "Keys…", hint: "?", run: () => show("keys") },
    { name: "Sign out", run: out },
  ];
}

interface Group {
  heading: string;
  things: Thing[];
  /** The relay found them by their words, which their names need not have. */
  isFound?: boolean;
}

/** Things by name, read once it opens; threads by their words, too. */
function useThings(text: string): Group[] {
  const q = text.trim();
  const agents = useQuery({
    queryKey: ["agents", "all"],
    queryFn: ({ signal }) => api.agents.list({ limit: 500 }, { signal }),
  });
  const sessions = useQuery({
    queryKey: ["sessions", "live", {}],
    queryFn: ({ signal }) => api.sessions.list({ live: "true", limit: 200 }, { signal }),
  });
  const runs = useQuery({
    queryKey: ["runs", "palette", q],
    queryFn: ({ signal }) => api.runs.list({ limit: 10, ...(q.length > 1 && { q }) }, { signal }),
  });
  const threads = useQuery({
    queryKey: ["threads", "palette", q],
    queryFn: ({ signal }) => api.threads.list({ limit: 10, ...(q.length > 1 && { q }) }, { signal }),
  });
  return [
    {
      heading: "Agents",
      things: (agents.data?.items ?? []).map(({ id }) => ({ name: id, link: { to: "/agents/$id", params: { id } } })),
    },
    {
      heading: "Sessions",
      things: (sessions.data?.items ?? []).map(({ id, agentId, name, project }) => ({
        name: [agentId, name, project, id].filter(Boolean).join(" · "),
        link: { to: "/sessions/$id", params: { id } },
      })),
    },
    {
      heading: "Threads",
      isFound: q.length > 1,
      things: (threads.data?.items ?? []).map(({ id, title }) => ({
        name: title ?? `Thread ${id}`,
        link: { to: "/threads/$id", params: { id: String(id) } },
      })),
    },
    {
      heading: "Runs",
      isFound: q.length > 1,
      things: (runs.data?.items ?? []).map((run) => ({
        name: `${run.agentId} · ${aboutRun(run)}`,
        link: { to: "/runs/$id", params: { id: run.id } },
      })),
    },
  ];
}
