import { lazy, Suspense, useState } from "react";
import type { Person } from "../../../protocol/people.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useKeys } from "../../frame/keys.ts";
import { useWho } from "../../frame/who.ts";
import { useAct } from "../../ui/act.ts";
import { Button } from "../../ui/button.tsx";
import { DeleteButton } from "../../ui/delete-button.tsx";
import { Facts } from "../../ui/exact.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";
import { Secret } from "../../ui/secret.tsx";
import { clockText } from "../../ui/states.ts";
import { counted } from "./words.ts";

const PersonDialog = lazy(async () => ({ default: (await import("./person-dialog.tsx")).PersonDialog }));

/** People who sit at `user`: their role, how they are asked, and links that let a browser in. */
export function PeopleSection() {
  const { isOperator } = useWho();
  const [edited, edit] = useState<Person | "new">();
  const [link, setLink] = useState<{ person: string; url: string; expiresAt: string }>();
  const list = usePages(["people"], (page, signal) => api.people.list({ limit: 100, page }, { signal }));
  useKeys(isOperator ? { c: () => edit("new") } : {});
  return (
    <Page
      title={list.isRead ? counted(list, "person", "people") : "People"}
      actions={
        isOperator && (
          <Button hint="c" onClick={() => edit("new")}>
            Add a person…
          </Button>
        )
      }
    >
      {link && (
        <Secret
          name={`Link for ${link.person}`}
          value={link.url}
          about={`It signs one browser in, once, until ${clockText(link.expiresAt)}.`}
          close={() => setLink(undefined)}
        />
      )}
      <Section title="People">
        <Listed
          list={list}
          what="people"
          row={personRow}
          open={(person) => (
            <OpenPerson
              key={person.id}
              person={person}
              edit={() => edit(person)}
              invited={(made) => setLink({ person: person.name, ...made })}
            />
          )}
          empty={
            isOperator
              ? "No person is known yet: everyone acts as the operator. Add one, and hand over a link."
              : "No person is known yet. Operators add people."
          }
        />
      </Section>
      {edited && (
        <Suspense>
          <PersonDialog {...(edited !== "new" && { person: edited })} close={() => edit(undefined)} />
        </Suspense>
      )}
    </Page>
  );
}

const personRow = ({ id, name, role, notify, quietHours, createdAt }: Person): RowParts => ({
  ...{ id, glyph: "idle", kind: role, since: createdAt },
  what: (
    <>
      <strong>{visible(name)}</strong> <code className="font-mono text-small text-ink3">{id}</code>
    </>
  ),
  why: [
    role,
    notify.length > 0
      ? `is asked in ${notify.length === 1 ? "one place" : `${notify.length} places`}`
      : "is asked in the console alone",
    quietHours && `quiet ${quietHours.from} to ${quietHours.to} ${quietHours.timezone}`,
  ]
    .filter(Boolean)
    .join(" · "),
});

interface OpenProps {
  person: Person;
  edit(): void;
  invited(link: { url: string; expiresAt: string }): void;
}

function OpenPerson({ person, edit, invited }: OpenProps) {
  const { id, name, notify, ladder, senders } = person;
  const { isOperator } = useWho();
  const invite = useAct(async () => {
    invited(await api.signIn.createLink({ personId: id }));
    return undefined;
  });
  useKeys(isOperator ? { e: edit, i: () => invite.mutate(undefined) } : {});
  return (
    <>
      <Facts
        items={[
          ...notify.map((one) =>
            one === "push" ? "asked by push" : `asked in ${visible(one.conversationId)} of ${visible(one.channelId)}`,
          ),
          ladder.length > 0 && `then asked: ${ladder.join(", ")}`,
          ...senders.map((one) => `writes as ${visible(one.senderId)} in ${visible(one.channelId)}`),
        ]}
      />
      {isOperator && (
        <div className="flex flex-wrap gap-2">
          <Button hint="i" disabled={invite.isPending} onClick={() => invite.mutate(undefined)}>
            Make a link
          </Button>
          <Button hint="e" onClick={edit}>
            Edit…
          </Button>
          <DeleteButton
            list="people"
            sure="Delete: all tokens and sign-ins end"
            act={() => api.people.delete(id).then(() => `${name} is gone, with all tokens and sign-ins`)}
          />
        </div>
      )}
    </>
  );
}
