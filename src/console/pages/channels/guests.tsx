import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Channel } from "../../../protocol/channels.ts";
import type { Guest } from "../../../protocol/guests.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useKeys } from "../../frame/keys.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { TextInput, Tick } from "../../ui/inputs.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";
import { useSave } from "../../ui/save.ts";

/** Whom a channel hears, beside bound chats and the accounts of people. */
export function Guests({ channel: { id, access } }: { channel: Channel }) {
  const { isOperator } = useWho();
  const [adds, setAdds] = useState(false);
  const list = usePages(["channels", "guests", id], (page, signal) =>
    api.channels.guests(id, { limit: 100, page }, { signal }),
  );
  useKeys(isOperator ? { c: () => setAdds(true) } : {});
  return (
    <Section
      title="Guests"
      note={
        access.mode === "open"
          ? "everyone is heard now: guests count once it is listed"
          : "and bound chats, and the accounts of people"
      }
    >
      {isOperator && (
        <div className="px-3 py-2">
          <Button hint="c" onClick={() => setAdds(true)}>
            Add a guest…
          </Button>
        </div>
      )}
      <Listed
        list={list}
        what="guests"
        row={guestRow}
        open={(guest) => isOperator && <OpenGuest key={guest.id} id={id} guest={guest} />}
        empty="No guest yet. A stranger who writes is told a code, and asks to be let in."
      />
      {adds && <GuestDialog id={id} close={() => setAdds(false)} />}
    </Section>
  );
}

function whoOf({ conversationId, senderId }: Guest): string {
  if (senderId === null) return `everyone in chat ${conversationId}`;
  return conversationId === null
    ? `account ${senderId}, in every chat`
    : `account ${senderId} in chat ${conversationId}`;
}

const guestRow = (guest: Guest): RowParts => ({
  ...{ id: guest.id, glyph: guest.approves ? "held" : "open", since: guest.createdAt },
  what: (
    <>
      <strong>{visible(guest.name ?? whoOf(guest))}</strong> {guest.approves && "may answer approvals"}
    </>
  ),
  why: [
    guest.name !== null && visible(whoOf(guest)),
    guest.personId !== null && `is ${guest.personId}`,
    guest.origin === "paired" ? "let in by a code" : "added by an operator",
  ]
    .filter(Boolean)
    .join(" · "),
});

const draftOf = ({ conversationId, senderId, approves, personId, name }: Guest) => ({
  ...(conversationId !== null && { conversationId }),
  ...(senderId !== null && { senderId }),
  ...(personId !== null && { personId }),
  ...(name !== null && { name }),
  approves,
});

function OpenGuest({ id, guest }: { id: string; guest: Guest }) {
  const cache = useQueryClient();
  const readAgain = () => cache.invalidateQueries({ queryKey: ["channels"] });
  const remove = useAct(async () => {
    await api.channels.removeGuest(id, guest.id);
    await readAgain();
    return { said: "No guest any more", undo: () => api.channels.addGuest(id, draftOf(guest)).then(readAgain) };
  });
  const allow = useAct(async () => {
    await api.channels.addGuest(id, { ...draftOf(guest), approves: !guest.approves });
    await readAgain();
    const undo = () => api.channels.addGuest(id, draftOf(guest)).then(readAgain);
    return { said: guest.approves ? "May not answer approvals" : "May answer approvals", undo };
  });
  return (
    <div className="flex flex-wrap gap-2 pt-2">
      {guest.senderId !== null && (
        <Button disabled={allow.isPending} onClick={() => allow.mutate(undefined)}>
          {guest.approves ? "Take away approving" : "Let it answer approvals"}
        </Button>
      )}
      <Button kind="danger" disabled={remove.isPending} onClick={() => remove.mutate(undefined)}>
        Remove
      </Button>
    </div>
  );
}

function GuestDialog({ id, close }: { id: string; close(): void }) {
  const [conversationId, setConversation] = useState("");
  const [senderId, setSender] = useState("");
  const [name, setName] = useState("");
  const [personId, setPerson] = useState("");
  const [approves, setApproves] = useState(false);
  const add = useSave({
    act: () =>
      api.channels.addGuest(id, {
        ...(conversationId && { conversationId }),
        ...(senderId && { senderId }),
        ...(name && { name }),
        ...(personId && { personId }),
        approves: approves && senderId !== "",
      }),
    ...{ lists: ["channels"], close },
  });
  return (
    <Dialog
      title="Add a guest"
      about="A chat, with everyone in it; an account, in every chat; or an account in one chat. What a guest writes reaches agents."
      act="Let in"
      isReady={conversationId !== "" || senderId !== ""}
      {...add}
    >
      <TextInput name="Chat" value={conversationId} set={setConversation} isMono placeholder="every chat" />
      <TextInput name="Account" value={senderId} set={setSender} isMono placeholder="everyone in the chat" />
      <TextInput name="Name, for this list" value={name} set={setName} />
      {senderId !== "" && (
        <>
          <TextInput name="Person whose account it is" value={personId} set={setPerson} placeholder="nobody's" />
          <Tick name="May answer approvals and use all commands" value={approves} set={setApproves} />
        </>
      )}
    </Dialog>
  );
}
