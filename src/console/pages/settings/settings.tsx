import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "../../api.ts";
import { HoldButton } from "../../frame/holds.tsx";
import { lettersAreOff, switchLetters } from "../../frame/keys.ts";
import { PLACES } from "../../frame/places.ts";
import { setTheme, type Theme, theme } from "../../frame/theme.ts";
import { useWho } from "../../frame/who.ts";
import { Button } from "../../ui/button.tsx";
import { Failure } from "../../ui/notes.tsx";
import { Page, Section } from "../../ui/page.tsx";

const THEMES: Record<Theme, string> = { system: "As the system", light: "Light", dark: "Dark" };

/** This browser: who is signed in, how the page looks, and signing out. */
export function SettingsPage() {
  const { name, role, writes } = useWho();
  const out = useMutation({
    mutationFn: (everywhere: boolean) => api.signIn.signOut({ everywhere }),
    onSuccess: () => location.assign("/"),
  });
  return (
    <Page title={`Signed in as ${name}`} facts={`Role: ${role}`}>
      <div className="md:hidden">
        <Section title="Places">
          {PLACES.filter(({ isOnPhone }) => !isOnPhone).map(({ to, name: place }) => (
            <Link key={to} to={to} className="flex h-12 items-center border-b border-line px-3">
              {place}
            </Link>
          ))}
          {writes && <HoldButton className="flex h-12 w-full px-3" />}
        </Section>
      </div>
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
