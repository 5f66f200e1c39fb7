import { LockOpen } from "lucide-react";
import { type FormEvent, useEffect, useState, useSyncExternalStore } from "react";
import { sealingOf } from "../../../client/sealed.ts";
import type { Message } from "../../../protocol/messages.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { FIELD } from "../../ui/fields.tsx";
import { Body } from "./body.tsx";
import { secrets } from "./secrets.ts";

export const useSecrets = () => useSyncExternalStore(secrets.onChange, secrets.all);

/** Text of an encrypted message, by the passwords that the page has. */
function useOpened(message: Message): string | undefined {
  const vaults = useSecrets();
  const [text, setText] = useState<string>();
  useEffect(() => {
    let isGone = false;
    async function open(): Promise<void> {
      for (const vault of vaults) {
        const opened = await vault.open(message);
        if (opened !== undefined) return isGone ? undefined : setText(opened);
      }
    }
    setText(undefined);
    open().catch(() => undefined);
    return () => {
      isGone = true;
    };
  }, [vaults, message]);
  return text;
}

/** An encrypted message: said to be one, and shown once its password is there. */
export function Opaque({ message }: { message: Message }) {
  const text = useOpened(message);
  if (text !== undefined)
    return (
      <>
        <p className="flex items-center gap-1.5 text-small text-ink3">
          <LockOpen className="size-3" aria-hidden="true" />
          Decrypted on this page
        </p>
        <Body text={text} />
      </>
    );
  return (
    <>
      <p className="text-ink2">{`Encrypted by the clients: ${message.body.length.toLocaleString()} characters that the relay cannot read.`}</p>
      {sealingOf(message) && <Unlock message={message} />}
    </>
  );
}

function Unlock({ message }: { message: Message }) {
  const [isOpen, setOpen] = useState(false);
  const [password, setPassword] = useState("");
  const [isWrong, setWrong] = useState(false);
  const unlock = useAct(async () => {
    const vault = secrets.make(password);
    const text = await vault.open(message);
    if (text === undefined) setWrong(true);
    else secrets.add(vault);
    return undefined;
  });
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (password !== "" && !unlock.isPending) unlock.mutate(undefined);
  }
  if (!isOpen)
    return (
      <Button className="mt-1" onClick={() => setOpen(true)}>
        Decrypt…
      </Button>
    );
  return (
    <form onSubmit={submit} className="mt-1 flex flex-wrap items-center gap-2">
      <input
        type="password"
        autoComplete="off"
        // biome-ignore lint/a11y/noAutofocus: the button was pressed to type it
        autoFocus
        value={password}
        aria-label={`Password of message ${message.id}`}
        placeholder="Password"
        onChange={({ target }) => {
          setPassword(target.value);
          setWrong(false);
        }}
        onKeyDown={(event) => event.key === "Escape" && setOpen(false)}
        className={`${FIELD} w-56`}
      />
      <Button type="submit" disabled={password === "" || unlock.isPending}>
        {unlock.isPending ? "Decrypting…" : "Decrypt"}
      </Button>
      {isWrong && (
        <span className="text-red" role="alert">
          This password does not open it.
        </span>
      )}
    </form>
  );
}
