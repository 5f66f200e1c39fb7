import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { launchBrowser } from "./browser.ts";
import { listen } from "./listen.ts";
import { atEnd, type TestRelay } from "./relay.ts";

/** One for all tests of a process: a start takes a second of CPU. It ends with the process. */
let shared: Promise<Browser> | undefined;

export interface OpenConsole {
  page: Page;
  url: string;
  /** Errors that pages threw or logged. Empty, but for what a test provokes. */
  faults: string[];
  /** A page of another browser, signed in as somebody. */
  another(draft?: object, options?: BrowserContextOptions): Promise<OpenConsole>;
}

/** Opens the console in a browser that signs in by a link: as the operator, unless `draft` of the link says whom. */
export async function openConsole(
  relay: TestRelay,
  path = "/",
  { draft = {}, url = listen(relay), ...options }: BrowserContextOptions & { draft?: object; url?: string } = {},
): Promise<OpenConsole> {
  shared ??= launchBrowser();
  const context = await (await shared).newContext(options);
  atEnd(() => context.close());
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", ({ message }) => void faults.push(message));
  page.on("console", (line) => void (line.type() === "error" && faults.push(line.text())));
  const { body } = await relay.ask("POST", "/v1/sign-in-links", draft);
  await page.goto(`${url}/${body.url.slice(body.url.indexOf("#"))}`);
  await page.getByRole("navigation", { name: "Places" }).first().waitFor();
  // The first question of a browser that is not signed in.
  faults.length = 0;
  if (path !== "/") await page.goto(`${url}${path}`);
  const another = (draft?: object, options = {}) => openConsole(relay, path, { ...options, draft, url });
  return { page, url, faults, another };
}
