import { useQueries } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type Search, writeSearch } from "../../search/query.ts";
import { Listed } from "../../ui/listed.tsx";
import { Empty } from "../../ui/notes.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import { TAB, Tabs } from "../../ui/tabs.tsx";
import { type Found, KINDS } from "./kinds.tsx";

const route = getRouteApi("/search");
/** Things of each kind where all kinds are shown. */
const FIRST = 8;

/** Everything that a search finds, or all of one kind. */
export function SearchPage() {
  const { in: kind, ...search } = route.useSearch();
  const navigate = route.useNavigate();
  const text = writeSearch(search);
  const fitting = KINDS.filter(({ fits }) => fits(search));
  const apply = (next: Search): void => void navigate({ search: { project: undefined, ...next, in: kind } });
  const clear = (): void => void navigate({ search: { project: undefined } });
  const one = fitting.find(({ id }) => id === kind);
  const shared = { search, text, clear };
  return (
    <Page title={text === "" ? "Search" : `Search for ${text}`} find={{ search, apply }}>
      {text === "" ? (
        <Empty>
          Words find messages. <code className="font-mono">project: agent: state: tag: pr:</code> narrow it.
        </Empty>
      ) : (
        <>
          <Tabs label="Kinds">
            {[undefined, ...fitting].map((of) => (
              <Link
                key={of?.id ?? ""}
                to="/search"
                search={{ ...search, in: of?.id }}
                className={TAB}
                activeOptions={{ exact: true }}
              >
                {of?.name ?? "Everything"}
              </Link>
            ))}
          </Tabs>
          {one ? <OfOneKind key={one.id} kind={one} {...shared} /> : <OfAllKinds kinds={fitting} {...shared} />}
        </>
      )}
    </Page>
  );
}

interface Shared {
  search: Search;
  text: string;
  clear(): void;
}

const rowOf = ({ row }: Found) => row;
const linkOf = ({ link }: Found) => link;

function OfAllKinds({ kinds, search, text, clear }: Shared & { kinds: typeof KINDS }) {
  const found = useQueries({
    queries: kinds.map(({ id, find }) => ({
      queryKey: ["search", id, search],
      queryFn: ({ signal }: { signal: AbortSignal }) => find(search, { limit: FIRST }, signal),
    })),
  });
  const list = {
    items: found.flatMap(({ data }) => data?.items ?? []),
    error: found.find(({ error }) => error)?.error ?? null,
    isPending: found.some(({ isPending }) => isPending),
    isRead: found.every(({ isPending }) => !isPending),
    hasMore: false,
    readMore: () => undefined,
    refetch: () => Promise.all(found.map(({ refetch }) => refetch())),
  };
  return (
    <Section title="Found">
      <Listed list={list} what="what matches" row={rowOf} link={linkOf} empty="" filter={{ text, clear }} />
    </Section>
  );
}

function OfOneKind({ kind, search, text, clear }: Shared & { kind: (typeof KINDS)[number] }) {
  const list = usePages<Found>(["search", "all", kind.id, search], (page, signal) =>
    kind.find(search, { limit: 100, page }, signal),
  );
  return (
    <Section title={kind.name}>
      <Listed list={list} what={kind.name.toLowerCase()} row={rowOf} link={linkOf} empty="" filter={{ text, clear }} />
    </Section>
  );
}
