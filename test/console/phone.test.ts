import { describe, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { wanted } from "../support/approvals.ts";
import { noBrowser } from "../support/browser.ts";
import { openConsole } from "../support/console.ts";
import { listen } from "../support/listen.ts";
import { startPushService } from "../support/push.ts";
import { startRelay } from "../support/relay.ts";
import { noTls, startTlsProxy } from "../support/tls-proxy.ts";
import { until } from "../support/until.ts";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, ignoreHTTPSErrors: true };

/** A browser's push, whose service is elsewhere: chromium has none without the internet. */
async function stubPush(page: Page, { endpoint, keys }: { endpoint: string; keys: object }): Promise<void> {
  await page.addInitScript(
    ([url, keys]) => {
      const make = (applicationServerKey: BufferSource) => ({
        options: { applicationServerKey: new Uint8Array(applicationServerKey as ArrayBuffer).buffer },
        toJSON: () => ({ endpoint: url, expirationTime: null, keys }),
        unsubscribe: async () => true,
      });
      let made: ReturnType<typeof make> | null = null;
      const stub = {
        getSubscription: async () => made,
        subscribe: async (options: PushSubscriptionOptionsInit) => {
          made = make(options.applicationServerKey as BufferSource);
          return made;
        },
      };
      Object.assign(PushManager.prototype, stub);
    },
    [endpoint, keys] as const,
  );
}

interface Shown {
  title: string;
  body: string;
  path: string;
  actions: number;
}

/** Notifications that the worker of the page shows. */
const shownBy = (page: Page): Promise<Shown[]> =>
  page.evaluate(async () => {
    const worker = await navigator.serviceWorker.ready;
    const shown = await navigator.locks.request("notifications", () => worker.getNotifications());
    return shown.map((one) => ({
      ...{ title: one.title, body: one.body, path: one.data.path },
      actions: (one as unknown as { actions?: unknown[] }).actions?.length ?? 0,
    }));
  });

/** Hands a push to the worker of the page, as the browser does, and reads the notifications that it shows. */
async function deliver(page: Page, origin: string, push: object): Promise<Shown[]> {
  const devtools = await page.context().newCDPSession(page);
  const faults: string[] = [];
  devtools.on("ServiceWorker.workerErrorReported", ({ errorMessage }) => void faults.push(errorMessage.errorMessage));
  const registered = new Promise<string>((resolve) => {
    devtools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations: [first] }) => {
      if (first) resolve(first.registrationId);
    });
  });
  await devtools.send("ServiceWorker.enable");
  const sent = { origin, registrationId: await registered, data: JSON.stringify(push) };
  await devtools.send("ServiceWorker.deliverPushMessage", sent);
  await until(async () => (await shownBy(page)).length > 0, "the notification of a push");
  // An icon that its policy refuses is a fault of the worker.
  expect(faults).toEqual([]);
  return shownBy(page);
}

/** Presses the notification that is shown. */
async function click(page: Page): Promise<void> {
  const [worker] = page.context().serviceWorkers();
  await worker?.evaluate(async () => {
    const scope = globalThis as unknown as { registration: ServiceWorkerRegistration } & EventTarget;
    const [notification] = await scope.registration.getNotifications();
    const Press = Reflect.get(globalThis, "NotificationEvent") as new (type: string, init: object) => Event;
    scope.dispatchEvent(new Press("notificationclick", { notification }));
  });
}

describe.skipIf((noBrowser ?? noTls) !== undefined)(`a phone behind TLS ${noBrowser ?? noTls ?? ""}`, () => {
  test("signs in, allows notifications, is told by push, and decides on the one card that a push opens", async () => {
    const relay = await startRelay({ publicUrl: "https://relay.test" });
    const service = startPushService(() => relay.clock.now());
    const me = await relay.agent("codex-1");
    await relay.ask("PUT", "/v1/people/ada", { name: "Ada", role: "operator" });
    const url = startTlsProxy(listen(relay));
    const { page, faults } = await openConsole(relay, "/", { ...PHONE, url, draft: { personId: "ada" } });
    const context = page.context();
    expect(await context.cookies()).toMatchObject([{ name: "__Host-signalbox", secure: true, sameSite: "Strict" }]);
    await page.locator("html:not([data-stale])").waitFor();
    await context.grantPermissions(["notifications"], { origin: url });
    await stubPush(page, service.browser("phone").draft());
    await page.goto(`${url}/settings/device`);
    await page.getByRole("heading", { name: "This device is told nothing" }).waitFor();
    await page.getByRole("button", { name: "Add push" }).click();
    await page.getByRole("button", { name: "Add push" }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Allow notifications" }).click();
    await page.getByRole("heading", { name: "This device is told by push" }).waitFor();
    const [device] = (await relay.ask("GET", "/v1/activity?verb=push.created")).body.items;
    expect(device).toMatchObject({ person: "ada" });

    const approval = (await relay.ask("POST", "/v1/approvals", { ...wanted("rm -rf build"), oneTap: false }, me)).body;
    await relay.relay.settle();
    // She looks at the device, until the page is closed.
    expect(service.received).toEqual([]);
    await page.goto("about:blank");
    await until(async () => {
      await relay.pass(30_000);
      return service.received.length > 0;
    }, "the push to a device that nobody looks at");
    const [push] = service.take();
    expect(push).toMatchObject({ kind: "approval", agent: "codex-1", path: `/approvals/${approval.id}` });
    await page.goto(`${url}/threads/new`);
    const field = page.getByLabel("Message", { exact: true });
    await field.fill("Half a thought");
    const shown = await deliver(page, url, push ?? {});
    expect(shown).toEqual([
      { title: "codex-1 asks for a decision", body: "", path: `/approvals/${approval.id}`, actions: 0 },
    ]);
    await click(page);
    await page.waitForURL(`${url}${push?.path}`);
    await page.getByRole("heading", { name: "codex-1 asks for a decision" }).waitFor();
    const buttons = page.locator("main button");
    const places = await buttons.evaluateAll((all) =>
      all.map((one) => ({ name: one.textContent, box: one.getBoundingClientRect().toJSON() })),
    );
    expect(places.every(({ box }) => box.height >= 48)).toBe(true);
    const inOrder = places.toSorted((one, other) => one.box.top - other.box.top).map(({ name }) => name);
    expect(inOrder.find((name) => name !== "")).toContain("Deny");
    // An answer for good takes a second step.
    await page.getByRole("button", { name: /^Always/ }).click();
    await page.getByText("from now on without asking").waitFor();
    expect((await relay.ask("GET", `/v1/approvals/${approval.id}`)).body.state).toBe("pending");
    await page.getByRole("button", { name: /^Allow/ }).click();
    await page.getByRole("heading", { name: /^This was allowed by ada/ }).waitFor();
    expect((await relay.ask("GET", `/v1/approvals/${approval.id}`)).body.answer).toMatchObject({ person: "ada" });
    // The page was not loaded anew, and what was begun is kept.
    await page.goBack();
    expect(await field.inputValue()).toBe("Half a thought");
    await page.goto(`${url}/runs`);
    const box = page.getByRole("combobox", { name: "Search" });
    expect(await box.isVisible()).toBe(false);
    await page.getByRole("button", { name: "Search" }).click();
    expect(await box.evaluate((one) => one === document.activeElement)).toBe(true);
    await box.press("Escape");
    await box.waitFor({ state: "hidden" });
    expect(faults).toEqual([]);
    // One of an approval that is no more goes with the next start of the page. It comes while no page is there that may still start.
    await page.goto(`${url}/healthz`);
    await deliver(page, url, { ...push, path: "/approvals/apr_gone", tag: "approval:apr_gone" });
    await page.goto(`${url}/runs`);
    await until(async () => (await shownBy(page)).length === 0, "the end of the notification");
  });
});
