import { alone } from "../push/alone.ts";
import { bodyOf, pageOf, readPush, titleOf } from "./words.ts";

/** Parts of the worker's global scope that are used here; the types of pages have none of them. */
interface Scope {
  registration: ServiceWorkerRegistration;
  location: Location;
  clients: {
    claim(): Promise<void>;
    matchAll(of: object): Promise<PageClient[]>;
    openWindow(url: string): Promise<unknown>;
  };
  skipWaiting(): Promise<void>;
  addEventListener(type: string, listener: (event: WorkerEvent) => void): void;
}
interface PageClient {
  focus(): Promise<unknown>;
  postMessage(message: unknown, ports: MessagePort[]): void;
  navigate(url: string): Promise<unknown>;
}
interface WorkerEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
  data?: { text(): string } | null;
  notification?: Notification;
}

const scope = globalThis as unknown as Scope;

/** Shows a push. Browsers take the right to push away from a page that shows none. */
async function show(text: string): Promise<void> {
  const push = readPush(text);
  for (const tag of push.closed ?? [])
    for (const old of await scope.registration.getNotifications({ tag })) old.close();
  const options = { renotify: true, badge: "/assets/badge-96.png", icon: "/assets/icon-192.png" };
  await scope.registration.showNotification(titleOf(push), {
    ...options,
    ...{ tag: push.tag, body: bodyOf(push), data: { path: pageOf(push.path) } },
  });
}

/** Time for a window to say that it shows a page by itself. */
const ANSWER_MS = 1000;

/** Asks a window to show a page without loading anew: what its person writes stays. One that is not signed in does not answer. */
function showIn(page: PageClient, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve(true);
    setTimeout(resolve, ANSWER_MS, false);
    page.postMessage({ show: path }, [port2]);
  });
}

/** Opens the page of a notification, in a window of the console that is open or in a new one. Nothing is decided here. */
async function open(notification: Notification): Promise<void> {
  notification.close();
  const path = pageOf(notification.data?.path);
  const [page] = await scope.clients.matchAll({ type: "window" });
  if (!page) return void (await scope.clients.openWindow(path));
  // A browser may refuse to bring it to the front.
  await page.focus().catch(() => undefined);
  if (!(await showIn(page, path))) await page.navigate(path);
}

scope.addEventListener("install", (event) => event.waitUntil(scope.skipWaiting()));
scope.addEventListener("activate", (event) => event.waitUntil(scope.clients.claim()));
scope.addEventListener("push", (event) => event.waitUntil(alone(() => show(event.data?.text() ?? ""))));
scope.addEventListener("notificationclick", (event) => {
  if (event.notification) event.waitUntil(open(event.notification));
});
