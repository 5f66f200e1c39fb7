import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type NavigateOptions, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useRef, useState } from "react";
import type { View } from "../../protocol/views.ts";
import { visible } from "../../protocol/visible.ts";
import { api } from "../api.ts";
import { useKeys } from "../frame/keys.ts";
import { useWho } from "../frame/who.ts";
import { useAct } from "./act.ts";
import { Button } from "./button.tsx";
import { FIELD } from "./fields.tsx";

interface ViewsProps {
  /** Name of the page: `work`. */
  page: string;
  to: NonNullable<NavigateOptions["to"]>;
  search: object;
}

/** Saved views of a page: opened, deleted, and the one that is shown kept under a name. */
export function Views({ page, to, search }: ViewsProps) {
  const [isOpen, open] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    open(false);
    button.current?.focus();
  };
  useKeys(isOpen ? { Escape: close } : {});
  return (
    <div className="relative">
      <Button ref={button} aria-expanded={isOpen} onClick={() => open(!isOpen)}>
        Views
      </Button>
      {isOpen && (
        <div className="absolute right-0 z-20 mt-1 w-72 rounded-control border border-line bg-surface p-2 shadow-float max-md:fixed max-md:inset-x-4 max-md:w-auto">
          <Saved page={page} to={to} close={close} />
          <Save page={page} search={search} />
        </div>
      )}
    </div>
  );
}

function Saved({ page, to, close }: Pick<ViewsProps, "page" | "to"> & { close(): void }) {
  const navigate = useNavigate();
  const { data } = useQuery({
    queryKey: ["views"],
    queryFn: ({ signal }) => api.views.list({ limit: 200 }, { signal }),
  });
  const views = (data?.items ?? []).filter((view) => view.page === page);
  if (data && views.length === 0) return <p className="px-2 py-1 text-ink2">No view of this page is saved yet.</p>;
  return (
    <ul aria-label="Saved views">
      {views.map((view) => (
        <li key={view.name} className="flex items-center">
          <button
            type="button"
            className="min-w-0 flex-1 cursor-pointer truncate rounded-control px-2 py-1 text-left hover:bg-hover max-md:py-3"
            onClick={() => {
              close();
              void navigate({ to, search: view.search } as NavigateOptions);
            }}
          >
            {visible(view.name)}
            {view.shared && <span className="text-small text-ink3"> shared</span>}
          </button>
          <Forget view={view} />
        </li>
      ))}
    </ul>
  );
}

/** Deletes a view; those of others are not for everybody to delete. */
function Forget({ view: { name, page, search, shared } }: { view: View }) {
  const { writes, name: who, role } = useWho();
  const cache = useQueryClient();
  const readAgain = () => cache.invalidateQueries({ queryKey: ["views"] });
  const forget = useAct(async () => {
    await api.views.delete(name);
    await readAgain();
    return { said: `View ${name} is deleted`, undo: () => api.views.put(name, { page, search }).then(readAgain) };
  });
  // A person's name is their role where the sign-in belongs to nobody.
  if (!writes || (shared && who !== role)) return null;
  return (
    <Button kind="quiet" aria-label={`Delete view ${visible(name)}`} onClick={() => forget.mutate(undefined)}>
      Delete
    </Button>
  );
}

function Save({ page, search }: Pick<ViewsProps, "page" | "search">) {
  const { writes } = useWho();
  const [name, setName] = useState("");
  const cache = useQueryClient();
  const save = useAct(async () => {
    await api.views.put(name.trim(), { page, search: { ...search } });
    await cache.invalidateQueries({ queryKey: ["views"] });
    setName("");
    return { said: `Saved as ${name.trim()}` };
  });
  if (!writes) return null;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (name.trim() !== "") save.mutate(undefined);
  };
  return (
    <form onSubmit={submit} className="mt-2 flex gap-2 border-t border-line pt-2">
      <input
        value={name}
        onChange={({ target }) => setName(target.value)}
        placeholder="Name of this view"
        aria-label="Name of this view"
        className={`${FIELD} min-w-0 flex-1`}
      />
      <Button type="submit" disabled={save.isPending || name.trim() === ""}>
        Save
      </Button>
    </form>
  );
}
