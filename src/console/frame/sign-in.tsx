import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api } from "../api.ts";
import { Failure, Loading } from "../ui/notes.tsx";
import { Logo } from "./logo.tsx";

/** The code of a link, taken out of the address at once: it is nobody else's, and works once. */
const code = /^#code=([\w-]+)$/.exec(location.hash)?.[1];
if (code) history.replaceState(null, "", location.pathname);

let pending: Promise<unknown> | undefined;

/** Signs in by the code of the link, or says how to get one. */
export function SignIn() {
  const cache = useQueryClient();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    if (!code) return;
    // Once, also where effects run twice.
    pending ??= api.signIn.signIn(code);
    pending.then(() => cache.invalidateQueries(), setError);
  }, [cache]);
  return (
    <main className="mx-auto flex min-h-dvh max-w-md flex-col justify-center gap-4 p-6">
      <h1 className="flex items-center gap-2 text-display font-semibold">
        <Logo /> Signalbox
      </h1>
      {code && !error ? <Loading what="the console" /> : null}
      {error ? <Failure error={error} /> : null}
      {!code || error ? (
        <div className="flex flex-col gap-2">
          <p>This browser is not signed in. On the machine where the relay runs:</p>
          <pre className="rounded-control border border-line bg-surface px-3 py-2 font-mono text-small select-all">
            signalbox console
          </pre>
          <p className="text-ink2">
            It prints a link that opens this page, signed in. The link works once, for ten minutes.
          </p>
        </div>
      ) : null}
    </main>
  );
}
