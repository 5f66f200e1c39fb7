import { lazy, Suspense, useState } from "react";
import type { NewToken, Token } from "../../../protocol/tokens.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useKeys } from "../../frame/keys.ts";
import { useWho } from "../../frame/who.ts";
import { Button } from "../../ui/button.tsx";
import { DeleteButton } from "../../ui/delete-button.tsx";
import { deviceText } from "../../ui/device.ts";
import { Facts } from "../../ui/exact.tsx";
import { Tick } from "../../ui/inputs.tsx";
import { Listed } from "../../ui/listed.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";
import { Secret } from "../../ui/secret.tsx";
import { counted } from "./words.ts";

const TokenDialog = lazy(async () => ({ default: (await import("./token-dialog.tsx")).TokenDialog }));

/** Tokens and sign-ins: who may call the relay. */
export function TokensSection() {
  const [makes, setMakes] = useState(false);
  const [made, setMade] = useState<NewToken>();
  const [withEnded, setWithEnded] = useState(false);
  const list = usePages(["tokens"], (page, signal) => api.tokens.list({ limit: 200, page }, { signal }));
  const live = list.items.filter(isLive);
  const shown = withEnded ? list.items : live;
  useKeys({ c: () => setMakes(true) });
  return (
    <Page
      title={list.isRead ? `${counted({ ...list, items: live }, "live token", "live tokens")}` : "Tokens"}
      facts={list.isRead && `${live.filter(({ signIn }) => signIn).length} of them are sign-ins of browsers`}
      actions={
        <Button hint="c" onClick={() => setMakes(true)}>
          New token…
        </Button>
      }
    >
      {made && (
        <Secret
          name={`Token of ${made.name ?? made.agentId ?? made.role}`}
          value={made.token}
          about="It is shown this once: the relay keeps a hash alone."
          close={() => setMade(undefined)}
        />
      )}
      <Tick name="With those that ended" value={withEnded} set={setWithEnded} />
      <Section title="Tokens">
        <Listed
          list={{ ...list, items: shown }}
          what="tokens"
          row={tokenRow}
          open={(token) => <OpenToken key={token.id} token={token} />}
          empty="No token is live."
        />
      </Section>
      {makes && (
        <Suspense>
          <TokenDialog made={setMade} close={() => setMakes(false)} />
        </Suspense>
      )}
    </Page>
  );
}

const isLive = ({ revokedAt, expiresAt }: Token): boolean =>
  revokedAt === null && (expiresAt === null || Date.parse(expiresAt) > Date.now());

function tokenRow(token: Token): RowParts {
  const { id, name, role, agentId, prefix, source, personId, signIn, lastUsedAt, revokedAt, expiresAt } = token;
  const whose = personId ?? agentId ?? source ?? (prefix !== null ? `${prefix}…` : null);
  const state = revokedAt !== null ? "ended" : isLive(token) ? "" : "expired";
  return {
    ...{ id, glyph: state ? "settled" : signIn ? "held" : "idle", kind: signIn ? "sign-in" : role },
    ...(lastUsedAt && { since: lastUsedAt }),
    what: (
      <>
        <strong>{visible(deviceText(name ?? whose ?? role))}</strong> {name !== null && whose && visible(whose)}{" "}
        {state && <span className="text-small text-grey">{state}</span>}
      </>
    ),
    why: [
      role,
      lastUsedAt ? "" : "never used",
      expiresAt && `${state === "expired" ? "expired" : "expires"} ${new Date(expiresAt).toLocaleString()}`,
    ]
      .filter(Boolean)
      .join(" · "),
  };
}

function OpenToken({ token }: { token: Token }) {
  const { id, groups, sessionId, createdAt, signIn } = token;
  const { tokenId } = useWho();
  async function end(): Promise<string> {
    const { paused } = await api.tokens.revoke(id);
    const what = paused.map((one) => `${one.kind} ${one.id}`).join(", ");
    return paused.length > 0 ? `Ended. Paused with it: ${what}` : "Ended: its streams are closed";
  }
  return (
    <>
      <Facts
        items={[
          <code key="id" className="font-mono">
            {id}
          </code>,
          `made ${new Date(createdAt).toLocaleString()}`,
          groups && (groups.length > 0 ? `may join ${visible(groups.join(", "))}` : "may join no group"),
          sessionId && `made for session ${sessionId}`,
          id === tokenId && "this browser",
        ]}
      />
      {isLive(token) && (
        <DeleteButton
          list="tokens"
          sure={
            id === tokenId ? "End it: this browser is signed out" : "End it: its streams close, what it set up pauses"
          }
          act={end}
        >
          {signIn ? "End the sign-in" : "End the token"}
        </DeleteButton>
      )}
    </>
  );
}
