import type { BrowserContextOptions, Page } from "playwright-core";
import { sharedBrowser } from "./browser.ts";
import { listen } from "./listen.ts";
import { atEnd, type TestRelay } from "./relay.ts";

/** Pages that no test holds, each of a browser of its own. A new one takes half a second of CPU more than a used one. */
const idle: Page[] = [];

/** A page for this test. One without options comes from the test before, as clean as a new one. */
async function takePage(options: BrowserContextOptions): Promise<Page> {
  const isPlain = Object.keys(options).length === 0;
  const page = (isPlain && idle.pop()) || (await (await (await sharedBrowser()).newContext(options)).newPage());
  atEnd(async () => {
    const isClean = isPlain && (await clean(page).catch(() => false));
    if (isClean) idle.push(page);
    else await page.context().close();
  });
  return page;
}

/** Takes back all that a test may have set. @returns false where that cannot be: a page keeps a clock that was set */
async function clean(page: Page): Promise<boolean> {
  for (const event of ["pageerror", "console", "websocket"] as const) page.removeAllListeners(event);
  await page.unrouteAll();
  await page.context().setOffline(false);
  await page.evaluate("localStorage.clear(); sessionStorage.clear()");
  await page.goto("about:blank");
  await page.context().clearCookies();
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  await page.setViewportSize(VIEWPORT);
  return Math.abs((await page.evaluate<number>("Date.now()")) - Date.now()) < 5000;
}
const VIEWPORT = { width: 1280, height: 720 };

let address: string | undefined;

/** Listens where the relay of the test before did, if nobody took its port: pages have the console's files from there. */
function listenAgain(relay: TestRelay): string {
  try {
    address = listen(relay, address === undefined ? 0 : Number(new URL(address).port));
  } catch {
    address = listen(relay);
  }
  return address;
}

export interface OpenConsole {
  page: Page;
  url: string;
  /** Errors that pages threw or logged. Empty, but for what a test provokes. */
  faults: string[];
  /** Leads the page to an address as a link does: nothing is loaded, for a sixth of the CPU. */
  visit(path: string): Promise<void>;
  /** A page of another browser, signed in as somebody; at the same address, unless another one is given. */
  another(draft?: object, path?: string): Promise<OpenConsole>;
}

/** Signs a page in by a link. Without TLS by its code alone, which takes one load of the page less. */
async function signIn(relay: TestRelay, page: Page, draft: object, url: string): Promise<void> {
  const link = await relay.ask("POST", "/v1/sign-in-links", draft);
  const [fragment = "", code] = /#code=(.+)$/.exec(link.body.url) ?? [];
  if (url.startsWith("https:")) {
    await page.goto(`${url}/${fragment}`);
    return page.getByRole("navigation", { name: "Places" }).first().waitFor();
  }
  const headers = { "content-type": "application/json", origin: url, "signalbox-console": "1" };
  const signedIn = await fetch(`${url}/v1/sign-in`, { method: "POST", headers, body: JSON.stringify({ code }) });
  const [, name = "", value = ""] = /^([^=]+)=([^;]+)/.exec(signedIn.headers.get("set-cookie") ?? "") ?? [];
  await page.context().addCookies([{ name, value, url }]);
}

/** Opens the console in a browser that is signed in: as the operator, unless `draft` of the link says whom. */
export async function openConsole(
  relay: TestRelay,
  path = "/",
  { draft = {}, url = listenAgain(relay), ...options }: BrowserContextOptions & { draft?: object; url?: string } = {},
): Promise<OpenConsole> {
  const page = await takePage(options);
  const faults: string[] = [];
  page.on("pageerror", ({ message }) => void faults.push(message));
  page.on("console", (line) => void (line.type() === "error" && faults.push(line.text())));
  await signIn(relay, page, draft, url);
  // The first question of a browser that is not signed in.
  faults.length = 0;
  await page.goto(`${url}${path}`);
  await page.getByRole("navigation", { name: "Places" }).first().waitFor();
  const visit = (to: string) => page.evaluate((to) => history.pushState(null, "", to), to);
  const another = (draft?: object, at = path) => openConsole(relay, at, { ...options, draft, url });
  return { page, url, faults, visit, another };
}
