import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api.ts";
import { lettersAreOff, switchLetters } from "../../frame/keys.ts";
import { signedOut } from "../../frame/signed-out.ts";
import { setTheme, type Theme, theme } from "../../frame/theme.ts";
import { useWho } from "../../frame/who.ts";
import { Button } from "../../ui/button.tsx";
import { Failure } from "../../ui/notes.tsx";
import { Page, Section } from "../../ui/page.tsx";

const THEMES: Record<Theme, string> = { system: "As the system", light: "Light", dark: "Dark" };

/** This browser: who is signed in, how the page looks, and signing out. */
export function BrowserSection() {
  const { name, role } = useWho();
  const out = useMutation({
    mutationFn: (everywhere: boolean) => api.signIn.signOut({ everywhere }),
    onSuccess: signedOut,
  });
  return (
    <Page title={`Signed in as ${name}`} facts={`Role: ${role}`}>
      <Section title="This browser">
        <div className="flex flex-col gap-4 px-3 py-4">
          <Appearance />
          <div className="flex flex-wrap gap-2">
            <Button onClick={() => out.mutate(false)}>Sign out</Button>
            <Button kind="danger" onClick={() => out.mutate(true)}>
              Sign out everywhere
            </Button>
          </div>
          {out.error && <Failure error={out.error} />}
        </div>
      </Section>
    </Page>
  );
}

function Appearance() {
  const [chosen, setChosen] = useState(theme);
  const [isOff, setOff] = useState(lettersAreOff);
  return (
    <>
      <fieldset className="flex flex-wrap gap-4">
        <legend className="mb-1 text-small text-ink3">Colours</legend>
        {(Object.keys(THEMES) as Theme[]).map((one) => (
          <label key={one} className="flex items-center gap-2">
            <input
              type="radio"
              name="theme"
              checked={chosen === one}
              onChange={() => {
                setTheme(one);
                setChosen(one);
              }}
            />
            {THEMES[one]}
          </label>
        ))}
      </fieldset>
      <label className="flex items-center gap-2">
        <input
          type="checkbox"
          checked={!isOff}
          onChange={({ target }) => {
            switchLetters(!target.checked);
            setOff(!target.checked);
          }}
        />
        Single letters are keys
      </label>
    </>
  );
}
