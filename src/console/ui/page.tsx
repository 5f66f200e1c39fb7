import { createContext, type ReactNode, useContext, useEffect } from "react";
import { visible } from "../../protocol/visible.ts";
import { type Find, SearchBox } from "../search/search-box.tsx";
import { shownChild } from "./exact.tsx";

interface PageProps {
  /** A sentence with the answer: "4 things need you". */
  title: string;
  /** One line of facts below it. */
  facts?: ReactNode;
  actions?: ReactNode;
  /** Filters of the page, which its search box shows and sets. */
  find?: Find;
  children: ReactNode;
}

/** Why what the page shows could not be read again. Pages say so below their heading. */
export const Trouble = createContext<ReactNode>(null);

/** A page: one heading that answers, one line of facts, then sections. */
export function Page({ title, facts, actions, find, children }: PageProps) {
  const trouble = useContext(Trouble);
  useEffect(() => {
    document.title = `${visible(title)} · Signalbox`;
  }, [title]);
  return (
    <main id="main" className="min-w-0 max-w-[1360px] flex-1 px-8 pt-6 pb-12 max-md:px-4 max-md:pt-4 max-md:pb-24">
      <header className="mb-6 flex flex-wrap items-start gap-x-6 gap-y-2 max-md:mb-4">
        <div className="min-w-0 flex-1 max-md:contents">
          <h1 className="text-display font-semibold wrap-anywhere max-md:min-w-0 max-md:flex-1">{visible(title)}</h1>
          {facts && <p className="text-ink2 max-md:order-1 max-md:basis-full">{shownChild(facts)}</p>}
        </div>
        {actions && <div className="flex flex-wrap gap-2 max-md:order-1 max-md:basis-full">{actions}</div>}
        <SearchBox find={find} className="w-52 max-lg:w-44" />
      </header>
      {trouble}
      {children}
    </main>
  );
}

export function Section({ title, note, children }: { title: string; note?: ReactNode; children: ReactNode }) {
  return (
    <section className="mb-8" aria-label={title}>
      <h2 className="mb-2 text-small font-semibold text-ink3">
        {title}
        {note && <span className="ml-1.5 font-normal">{note}</span>}
      </h2>
      <div className="border-t border-line">{children}</div>
    </section>
  );
}
