import { describe, expect, test } from "bun:test";
import { noBrowser, openPage } from "../../support/browser.ts";
import { listen } from "../../support/listen.ts";
import { startRelay } from "../../support/relay.ts";

/** A page of an origin of its own, which the relay knows or not. */
async function withPage(isKnown = false) {
  const page = await openPage();
  const relay = await startRelay(isKnown ? { allowedHosts: [new URL(page.url()).origin] } : {});
  const url = listen(relay);
  const bob = await relay.agent("bob");
  const ann = await relay.agent("ann");
  return { ...relay, url, bob, ann, page };
}

describe.skipIf(noBrowser !== undefined)(`a page of another origin ${noBrowser ?? ""}`, () => {
  test("G10: a page of another origin cannot read from the relay, with a token or without", async () => {
    const { page, url, bob, ask } = await withPage();
    const attempts = await page.evaluate(
      async ({ url, token }) => {
        const attempt = (path: string, init?: RequestInit) =>
          fetch(url + path, init).then(
            (response) => `read: ${response.status}`,
            (error) => String(error),
          );
        const authorization = `Bearer ${token}`;
        return [
          await attempt("/healthz"),
          await attempt("/openapi.json"),
          await attempt("/v1/agents", { headers: { authorization } }),
          await attempt("/v1/agents/bob/inbox/stream", { headers: { authorization } }),
          await attempt("/v1/messages", {
            method: "POST",
            headers: { authorization, "content-type": "application/json" },
            body: JSON.stringify({ to: "ann", body: "from elsewhere" }),
          }),
        ];
      },
      { url, token: bob.token },
    );
    expect(attempts).toEqual(Array(5).fill("TypeError: Failed to fetch"));
    expect((await ask("GET", "/v1/messages")).body.items).toEqual([]);
  });

  test("a page of another origin opens no WebSocket", async () => {
    const { page, url } = await withPage();
    await page.evaluate((url) => {
      const socket = new WebSocket(`${url.replace("http", "ws")}/v1/agents/bob/socket`, "signalbox.v1");
      socket.onopen = () => Object.assign(window, { ended: "opened" });
      socket.onclose = ({ code }) => Object.assign(window, { ended: code });
    }, url);
    await page.waitForFunction("window.ended");
    expect(await page.evaluate("window.ended")).toBe(1006);
  });
});

describe.skipIf(noBrowser !== undefined)(`a page of an allowed origin ${noBrowser ?? ""}`, () => {
  test("a page of an allowed origin opens the WebSocket with its token in the first frame, gets messages and sends some", async () => {
    const { page, url, bob, ann, ask } = await withPage(true);
    const first = (await ask("POST", "/v1/messages", { to: "bob", body: "stored" }, ann)).body.id as number;
    await page.evaluate(
      ({ url, token }) => {
        const frames: unknown[] = [];
        const socket = new WebSocket(`${url.replace("http", "ws")}/v1/agents/bob/socket`, "signalbox.v1");
        socket.onopen = () => socket.send(JSON.stringify({ type: "auth", token }));
        socket.onmessage = ({ data }) => frames.push(JSON.parse(data));
        Object.assign(window, { frames, socket });
      },
      { url, token: bob.token },
    );
    await page.waitForFunction("window.frames.length >= 2");
    const second = (await ask("POST", "/v1/messages", { to: "bob", body: "live" }, ann)).body.id as number;
    await page.waitForFunction("window.frames.length >= 3");
    await page.evaluate(
      `window.socket.send(JSON.stringify({ type: "send", ref: 1, message: { to: "ann", body: "from a page" } }))`,
    );
    await page.waitForFunction("window.frames.length >= 4");
    const frames = (await page.evaluate("window.frames")) as { type: string; message?: { id: number } }[];
    expect(frames.map((frame) => frame.type)).toEqual(["hello", "message", "message", "ok"]);
    expect([frames[1]?.message?.id, frames[2]?.message?.id]).toEqual([first, second]);
    const inbox = await ask("GET", "/v1/agents/ann/inbox", undefined, ann);
    expect(inbox.body.items).toMatchObject([{ from: "bob", body: "from a page" }]);
  });

  test("a page of an allowed origin is closed by the relay when it sends no token", async () => {
    const { page, url, clock } = await withPage(true);
    await page.evaluate((url) => {
      const socket = new WebSocket(`${url.replace("http", "ws")}/v1/agents/bob/socket`, "signalbox.v1");
      socket.onopen = () => Object.assign(window, { opened: true });
      socket.onclose = ({ code }) => Object.assign(window, { code });
    }, url);
    await page.waitForFunction("window.opened");
    clock.advance(5000);
    await page.waitForFunction("window.code === 4001");
  });
});
