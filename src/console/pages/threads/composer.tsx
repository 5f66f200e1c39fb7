import { Paperclip, X } from "lucide-react";
import {
  type ClipboardEvent,
  type DragEvent,
  type FormEvent,
  type KeyboardEvent,
  type RefObject,
  useRef,
  useState,
} from "react";
import { toast } from "sonner";
import type { StoredFile } from "../../../protocol/files.ts";
import type { Message } from "../../../protocol/messages.ts";
import { api } from "../../api.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { useDraft } from "../../ui/drafts.ts";
import { Mentions, useMention } from "./mention.tsx";
import { nameOf } from "./message.tsx";
import { SealingFields, useSealing } from "./sealing.tsx";
import { useTargets } from "./targets.ts";

interface Props {
  /** Whom it goes to unless the person says otherwise. */
  to: string;
  /** The message that it answers; undefined begins a thread. */
  replyTo: Message | undefined;
  field: RefObject<HTMLTextAreaElement | null>;
  onSent(threadId: number): void;
}

const FIELD = "rounded-control border border-control bg-surface px-2";

/** Writing a message: to an agent or a group, with files. Enter sends, with shift it begins a line. */
export function Composer({ to, replyTo, field, onSent }: Props) {
  const sealing = useSealing();
  const name = `thread ${replyTo?.threadId ?? "new"}`;
  // An answer to an encrypted message is likely to be encrypted as well.
  const [text, setText] = useDraft(name, sealing.isOn || replyTo?.encoding === "opaque");
  const [keptTarget, keepTarget] = useDraft(`${name} to`);
  const [chosen, setChosen] = useState<string | undefined>(keptTarget || undefined);
  const [files, setFiles] = useState<StoredFile[]>([]);
  const choose = (to: string): void => {
    setChosen(to);
    keepTarget(to);
  };
  const mention = useMention(text, setText, choose);
  const target = chosen ?? to;
  const send = useAct(async () => {
    const payload = files.length
      ? { files: files.map(({ id, name, type, size }) => ({ fileId: id, name, type, size })) }
      : undefined;
    const words = await sealing.words(text, target);
    const sent = await api.messages.send({ to: target, ...words, replyTo: replyTo?.id, payload, deliverAt: null });
    setText("");
    keepTarget("");
    setFiles([]);
    onSent(sent.threadId);
    if (sent.matched > 0) return undefined;
    const near = sent.suggestions?.length ? ` Did you mean ${sent.suggestions.join(" or ")}?` : "";
    return { said: `Nobody is in ${sent.to} now.${near}` };
  });
  const attach = useAct(async (given: readonly File[]) => {
    const stored = await Promise.all(given.map((file) => api.files.put(file, { name: file.name, type: file.type })));
    setFiles((now) => [...now, ...stored]);
    return undefined;
  });
  const isReady = target !== "" && sealing.isReady && !send.isPending && !attach.isPending;
  const canSend = isReady && (text.trim() !== "" || files.length > 0);

  function submit(event: FormEvent): void {
    event.preventDefault();
    if (canSend) send.mutate(undefined);
    else if (target === "") toast.error("Say whom it is for.");
  }
  function press(event: KeyboardEvent<HTMLTextAreaElement>): void {
    if (mention.press(event)) return;
    if (event.key === "Escape") event.currentTarget.blur();
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    submit(event);
  }
  function take(event: ClipboardEvent | DragEvent, { files: given }: DataTransfer): void {
    if (given.length === 0) return;
    event.preventDefault();
    if (sealing.isOn) toast.error("Files are not encrypted: send them in a message of their own.");
    else attach.mutate([...given]);
  }

  return (
    <form
      onSubmit={submit}
      onPaste={(event) => take(event, event.clipboardData)}
      onDrop={(event) => take(event, event.dataTransfer)}
      onDragOver={(event) => event.dataTransfer.types.includes("Files") && event.preventDefault()}
      className="border-t border-line px-8 py-3 max-md:px-4"
    >
      <div className="mb-2 flex flex-wrap items-center gap-2 text-small text-ink2">
        <Target value={target} choose={choose} />
        {replyTo && <span className="min-w-0 truncate">{`answers ${nameOf(replyTo)}, message ${replyTo.id}`}</span>}
        <SealingFields {...sealing} canTurnOn={files.length === 0} />
      </div>
      <Mentions {...mention} />
      <div className="flex items-end gap-2">
        <textarea
          ref={field}
          value={text}
          rows={Math.min(10, text.split("\n").length)}
          onChange={({ target }) => mention.change(target.value)}
          onKeyDown={press}
          aria-label="Message"
          placeholder="A message, or @name"
          className={`${FIELD} min-h-8 flex-1 resize-none py-1.25 max-md:min-h-12 max-md:py-3`}
        />
        {!sealing.isOn && <Attach attach={attach.mutate} />}
        <Button type="submit" kind="primary" disabled={!canSend}>
          Send
        </Button>
      </div>
      {files.length > 0 && (
        <ul className="mt-2 flex flex-wrap gap-2 text-small" aria-label="Attached files">
          {files.map(({ id, name }) => (
            <li key={id} className="flex items-center gap-1 rounded-control border border-line px-2">
              {name}
              <button
                type="button"
                className="size-7"
                aria-label={`Remove ${name}`}
                onClick={() => setFiles((now) => now.filter((file) => file.id !== id))}
              >
                <X className="mx-auto size-3" aria-hidden="true" />
              </button>
            </li>
          ))}
        </ul>
      )}
    </form>
  );
}

function Target({ value, choose }: { value: string; choose(target: string): void }) {
  const targets = useTargets();
  return (
    <label className="flex shrink-0 items-center gap-2">
      To
      <input
        value={value}
        onChange={({ target }) => choose(target.value.trim())}
        list="targets"
        placeholder="an agent, or tag:x"
        autoComplete="off"
        className={`${FIELD} h-7 w-48 text-ink max-md:h-12 max-md:w-40`}
      />
      <datalist id="targets">
        {targets.map((target) => (
          <option key={target} value={target} />
        ))}
      </datalist>
    </label>
  );
}

function Attach({ attach }: { attach(files: readonly File[]): void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        onChange={({ target }) => {
          attach([...(target.files ?? [])]);
          target.value = "";
        }}
      />
      <Button aria-label="Attach files" title="Attach files" onClick={() => input.current?.click()}>
        <Paperclip className="size-4" aria-hidden="true" />
      </Button>
    </>
  );
}
