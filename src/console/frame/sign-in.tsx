import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { api } from "../api.ts";
import { Button } from "../ui/button.tsx";
import { FIELD, Labelled } from "../ui/fields.tsx";
import { Failure, Loading } from "../ui/notes.tsx";
import { Logo } from "./logo.tsx";
import { forgetPerson } from "./signed-out.ts";

/** The code of a link, taken out of the address at once: it is nobody else's, and works once. */
const code = /^#code=([\w-]+)$/.exec(location.hash)?.[1];
if (code) history.replaceState(null, "", location.pathname);

let pending: Promise<unknown> | undefined;

/** An app on the home screen of a phone opens no links: its link is pasted. */
function PastedLink() {
  const cache = useQueryClient();
  const [text, setText] = useState("");
  const [error, setError] = useState<unknown>();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const pasted = /#code=([\w-]+)/.exec(text)?.[1] ?? text.trim();
    api.signIn.signIn(pasted).then(() => cache.invalidateQueries(), setError);
  };
  return (
    <form onSubmit={submit} className="mt-2 flex items-end gap-2 max-md:flex-col max-md:items-stretch">
      <Labelled name="Or paste the link">
        <input value={text} onChange={({ target }) => setText(target.value)} className={FIELD} autoComplete="off" />
      </Labelled>
      <Button type="submit" disabled={text.trim() === ""}>
        Sign in
      </Button>
      {error ? <Failure error={error} /> : null}
    </form>
  );
}

/** Signs in by the code of the link, or says how to get one. */
export function SignIn() {
  const cache = useQueryClient();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    forgetPerson();
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
          <PastedLink />
        </div>
      ) : null}
    </main>
  );
}
