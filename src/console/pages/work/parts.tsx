import { getRouteApi, Link } from "@tanstack/react-router";
import { TAB, Tabs } from "../../ui/tabs.tsx";

const route = getRouteApi("/work");

const VIEWS = [
  [undefined, "Open"],
  ["claimed", "Held"],
  ["delayed", "Delayed"],
  ["dead", "Dead letters"],
  ["done", "Done"],
] as const;

/** Parts of the page: the states of messages, and tasks. */
export function Parts() {
  const { show, state } = route.useSearch();
  return (
    <Tabs label="States of work">
      {VIEWS.map(([view, name]) => (
        <Link
          key={name}
          to="/work"
          search={{ state: view }}
          className={TAB}
          activeOptions={{ exact: true }}
          aria-current={show === undefined && state === view ? "page" : undefined}
        >
          {name}
        </Link>
      ))}
      <Link
        to="/work"
        search={{ show: "tasks" }}
        className={TAB}
        activeOptions={{ exact: true }}
        aria-current={show === "tasks" ? "page" : undefined}
      >
        Tasks
      </Link>
    </Tabs>
  );
}
