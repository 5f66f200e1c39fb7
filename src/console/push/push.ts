import { RelayProblem } from "../../client/errors.ts";
import { api } from "../api.ts";
import { connection } from "../live/connection.ts";
import { alone } from "./alone.ts";
import { deviceName, forgetDevice, nameDevice } from "./device.ts";

const TAG = "approval:";

/** Why this browser cannot be told by push, as a sentence; undefined where it can. */
export function obstacle(): string | undefined {
  if (!window.isSecureContext)
    return "Push needs HTTPS. On the relay's machine, signalbox console --phone says how to get an https address.";
  const isApple =
    /iPhone|iPad/.test(navigator.userAgent) || (/Mac OS/.test(navigator.userAgent) && navigator.maxTouchPoints > 1);
  if (isApple && !matchMedia("(display-mode: standalone)").matches)
    return "On an iPhone or iPad, first put the console on the Home Screen (Share, then Add to Home Screen), and open it there.";
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window))
    return "This browser cannot be told by push. Chrome, Edge, Firefox and Safari can, outside of private windows.";
  if (Notification.permission === "denied")
    return "Notifications are blocked for this page. Allow them in the browser's settings of this site, then load the page again.";
  return undefined;
}

const worker = async (): Promise<ServiceWorkerRegistration> => {
  await navigator.serviceWorker.register("/sw.js");
  return navigator.serviceWorker.ready;
};

/** Asks the person, subscribes with the browser's push service, and tells the relay. @throws Error with a sentence */
export async function allowPush(previews: boolean): Promise<void> {
  if ((await Notification.requestPermission()) !== "granted")
    throw new Error(obstacle() ?? "The browser asked, and got no answer. Allow notifications to be told by push.");
  const { pushManager } = await worker();
  const { key } = await api.push.key();
  const known = await pushManager.getSubscription();
  // A relay that began anew has another key.
  if (known && !hasKey(known, key)) await known.unsubscribe();
  const subscription = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(key) });
  await tellRelay(subscription, previews);
  connection.tellFocus();
}

async function tellRelay(subscription: PushSubscription, previews: boolean): Promise<void> {
  const { endpoint, keys } = subscription.toJSON();
  if (!endpoint || !keys?.p256dh || !keys.auth) throw new Error("The browser gave no address to push to. Try again.");
  await api.push.subscribe({
    endpoint,
    keys: { p256dh: keys.p256dh, auth: keys.auth },
    device: nameDevice(),
    previews,
  });
}

/** Ends push on this browser. The relay's part is ended by the caller. */
export async function endPush(): Promise<void> {
  forgetDevice();
  const registration = await navigator.serviceWorker?.getRegistration();
  await (await registration?.pushManager.getSubscription())?.unsubscribe();
}

/** After a start: tells the relay of a changed address, and closes what is over. */
export async function keepPush(): Promise<void> {
  const device = deviceName();
  if (device === undefined || obstacle() !== undefined) return;
  const registration = await worker();
  const subscription = await registration.pushManager.getSubscription();
  const own = (await api.push.list()).items.find((one) => one.device === device);
  // One that was ended elsewhere, or with its sign-in, is allowed anew in the settings.
  if (!own) return forgetDevice();
  if (subscription && Notification.permission === "granted") await tellRelay(subscription, own.previews);
  await closeAnswered(registration);
}

/** Closes notifications of approvals that nobody waits for any more. */
async function closeAnswered(registration: ServiceWorkerRegistration): Promise<void> {
  for (const shown of await alone(() => registration.getNotifications())) {
    if (!shown.tag.startsWith(TAG)) continue;
    // Of one that is no more nobody waits for an answer.
    const state = await api.approvals.get(shown.tag.slice(TAG.length)).then(
      (approval) => approval.state,
      (error) => (error instanceof RelayProblem && error.status === 404 ? undefined : "pending"),
    );
    if (state !== "pending") shown.close();
  }
}

const bytesOf = (base64url: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64url.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));

function hasKey({ options }: PushSubscription, key: string): boolean {
  const own = new Uint8Array(options.applicationServerKey ?? new ArrayBuffer(0));
  const wanted = bytesOf(key);
  return own.length === wanted.length && own.every((byte, index) => byte === wanted[index]);
}
