import { type ReactNode, useEffect } from "react";

interface PageProps {
  /** A sentence with the answer: "4 things need you". */
  title: string;
  /** One line of facts below it. */
  facts?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** A page: one heading that answers, one line of facts, then sections. */
export function Page({ title, facts, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Signalbox`;
  }, [title]);
  return (
    <main id="main" className="min-w-0 max-w-[1360px] flex-1 px-8 pt-6 pb-12 max-md:px-4 max-md:pt-4 max-md:pb-24">
      <header className="mb-6 flex flex-wrap items-start gap-x-6 gap-y-2 max-md:mb-4">
        <div className="min-w-0 flex-1">
          <h1 className="text-display font-semibold wrap-anywhere">{title}</h1>
          {facts && <p className="text-ink2">{facts}</p>}
        </div>
        {actions && <div className="flex flex-wrap gap-2">{actions}</div>}
      </header>
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
