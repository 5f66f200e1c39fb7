import { Lock, LockOpen } from "lucide-react";
import { useState } from "react";
import { Button } from "../../ui/button.tsx";
import { useSecrets } from "./opaque.tsx";
import { secrets } from "./secrets.ts";

/** People write as the shared desk. */
const DESK = "user";

/** Encrypting what a person writes: whether, and with which password. */
export function useSealing() {
  const [isOn, turn] = useState(false);
  const [password, setPassword] = useState("");
  const [known] = useSecrets();
  return {
    ...{ isOn, turn, password, setPassword, isKnown: known !== undefined },
    /** Nothing is missing for sending. */
    isReady: !isOn || known !== undefined || password !== "",
    /** Body of a message, as it is sent. */
    async words(text: string, to: string) {
      if (!isOn) return { body: text };
      const vault = known ?? secrets.make(password);
      const sealed = await vault.seal(text, { from: DESK, to });
      secrets.add(vault);
      setPassword("");
      return { ...sealed, encoding: "opaque" as const };
    },
  };
}

type Props = ReturnType<typeof useSealing> & { canTurnOn: boolean };

/** The switch for encryption, and the password where the page has none. */
export function SealingFields({ isOn, turn, password, setPassword, isKnown, canTurnOn }: Props) {
  return (
    <span className="ml-auto flex items-center gap-2">
      {isOn && !isKnown && (
        <input
          type="password"
          autoComplete="off"
          value={password}
          aria-label="Password to encrypt with"
          placeholder="Password"
          onChange={({ target }) => setPassword(target.value)}
          className="h-7 w-40 rounded-control border border-control bg-surface px-2 text-ink max-md:h-12"
        />
      )}
      {isOn && isKnown && <span>with the password of this page</span>}
      {isKnown && (
        <Button kind="quiet" className="h-7" onClick={secrets.forget}>
          Forget passwords
        </Button>
      )}
      <Button
        kind="quiet"
        className="h-7"
        aria-pressed={isOn}
        disabled={!isOn && !canTurnOn}
        title={canTurnOn ? "Encrypt what you write" : "Files are not encrypted: remove them first"}
        onClick={() => turn(!isOn)}
      >
        {isOn ? <Lock className="size-3" aria-hidden="true" /> : <LockOpen className="size-3" aria-hidden="true" />}
        {isOn ? "Encrypted" : "Encrypt"}
      </Button>
    </span>
  );
}
