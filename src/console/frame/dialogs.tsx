import { lazy, Suspense, useSyncExternalStore } from "react";
import { Button } from "../ui/button.tsx";
import { Floating } from "../ui/dialog.tsx";
import { useKeys } from "./keys.ts";
import { type DialogName, onShown, show, shown } from "./shown-dialog.ts";

const Palette = lazy(async () => ({ default: (await import("./palette.tsx")).Palette }));
const KeyTable = lazy(async () => ({ default: (await import("./key-table.tsx")).KeyTable }));
const Connect = lazy(async () => ({ default: (await import("../pages/connect/connect.tsx")).Connect }));
const SpawnDialog = lazy(async () => ({ default: (await import("../pages/fleet/spawn.tsx")).SpawnDialog }));
const AgentDialog = lazy(async () => ({ default: (await import("../pages/fleet/agent-dialog.tsx")).AgentDialog }));

const close = (): void => show(undefined);

/** The dialog that is open above the page. */
export function Dialogs() {
  const name = useSyncExternalStore(onShown, shown);
  useKeys({ "mod+k": () => show(shown() === "everything" ? undefined : "everything"), "?": () => show("keys") });
  return <Suspense>{name && DIALOGS[name]()}</Suspense>;
}

const DIALOGS: Record<DialogName, () => React.JSX.Element> = {
  everything: () => <Palette close={close} />,
  keys: () => (
    <Floating
      title="Keys"
      about="Letters do nothing in fields, and can be switched off in the settings."
      onClose={close}
    >
      <KeyTable />
      <Button className="mt-4" onClick={close}>
        Close
      </Button>
    </Floating>
  ),
  connect: () => (
    <Floating
      title="Connect another"
      about="Make a line, and run it where the agent works. It shows up here at once."
      isWide
      onClose={close}
    >
      <Connect />
    </Floating>
  ),
  spawn: () => <SpawnDialog close={close} />,
  agent: () => <AgentDialog close={close} />,
};
