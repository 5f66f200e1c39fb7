import { toast } from "sonner";

/** Shows pages of notifications that are pressed while the console is open. A form above the page is not taken away: its person says when. */
export function followNotifications(go: (path: string) => void): void {
  navigator.serviceWorker?.addEventListener("message", ({ data, ports: [port] }) => {
    port?.postMessage("shown");
    const open = (): void => go(data.show);
    if (document.querySelector("[role=dialog] form") === null) return open();
    toast("What you pressed is here: this form ends with it", {
      action: { label: "Open it", onClick: open },
      duration: Number.POSITIVE_INFINITY,
    });
  });
}
