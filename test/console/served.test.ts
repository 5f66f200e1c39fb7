import { beforeAll, expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { packConsole } from "../../scripts/console.ts";
import type { ConsolePack } from "../../src/edges/console/pack.ts";
import { startRelay } from "../support/relay.ts";

let pack: ConsolePack;
let notices: string;
beforeAll(async () => {
  ({ pack, notices } = await packConsole());
});

async function startPages() {
  const { relay } = await startRelay();
  return async (path: string, headers: Record<string, string> = {}) =>
    relay.app.handle(new Request(`http://127.0.0.1:4747${path}`, { headers }));
}

const sizeOf = (path: string): number => Buffer.from(pack[path]?.gzip ?? "", "base64").byteLength;

test("each address of the console gets its page, with content from the relay alone", async () => {
  const get = await startPages();
  for (const path of ["/", "/threads", "/threads/17", "/settings/tokens", "/runs/run_1", "/runs?status=ended"]) {
    const page = await get(path);
    const policy = page.headers.get("content-security-policy") ?? "";
    expect([path, page.status, page.headers.get("content-type")]).toEqual([path, 200, "text/html; charset=utf-8"]);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self' 'nonce-");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(page.headers.get("cache-control")).toBe("no-store");
    const [, nonce] = /'nonce-([\w-]+)'/.exec(policy) ?? [];
    expect(await page.text()).toContain(`content="${nonce}"`);
  }
  const [one, other] = [await get("/"), await get("/")];
  expect(one.headers.get("content-security-policy")).not.toBe(other.headers.get("content-security-policy"));
});

test("files of the console are kept for good, and come in the encoding that the browser takes", async () => {
  const get = await startPages();
  const [, script = ""] = /src="(\/assets\/[^"]+\.js)"/.exec(await (await get("/")).text()) ?? [];
  expect(script).not.toBe("");
  const br = await get(script, { "accept-encoding": "gzip, deflate, br" });
  expect(br.headers.get("content-encoding")).toBe("br");
  expect(br.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  expect(br.headers.get("vary")).toBe("Accept-Encoding");
  const gzip = await get(script, { "accept-encoding": "gzip" });
  const plain = await get(script);
  expect(plain.headers.get("content-encoding")).toBeNull();
  const text = await plain.text();
  expect(gunzipSync(await gzip.arrayBuffer()).toString()).toBe(text);
  const again = await get(script, { "if-none-match": plain.headers.get("etag") ?? "" });
  expect(again.status).toBe(304);
  expect((await get("/assets/..%2findex.html")).status).toBe(404);
  expect((await get("/assets/index-00000000.js")).status).toBe(404);
});

test("the console can be installed: a manifest with icons, and a worker that loads its icons alone", async () => {
  const get = await startPages();
  const html = await (await get("/")).text();
  expect(html).toContain('<link rel="manifest" href="/manifest.webmanifest">');
  const manifest = await get("/manifest.webmanifest");
  expect(manifest.headers.get("content-type")).toBe("application/manifest+json");
  const { icons, ...app } = await manifest.json();
  expect(app).toMatchObject({ display: "standalone", start_url: "/", scope: "/" });
  for (const { src, sizes } of icons) {
    const icon = await get(src);
    const bytes = Buffer.from(await icon.arrayBuffer());
    expect([icon.headers.get("content-type"), `${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`]).toEqual([
      "image/png",
      sizes,
    ]);
  }
  const worker = await get("/sw.js");
  expect(worker.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  expect(worker.headers.get("cache-control")).toBe("no-cache");
  expect(worker.headers.get("content-security-policy")).toBe("default-src 'none'; img-src 'self'");
  const script = await worker.text();
  expect(script).toContain("notificationclick");
  expect(script).not.toMatch(/fetch|caches|importScripts/);
});

test("the first load is at most 200 KB of script and style, a later part 100 KB, and all of it 350 KB", () => {
  const paths = Object.keys(pack).filter((path) => /\.(js|css)$/.test(path));
  const html = gunzipSync(Buffer.from(pack["index.html"]?.gzip ?? "", "base64")).toString();
  const first = paths.filter((path) => html.includes(`/${path}`));
  expect(first.length).toBeGreaterThan(1);
  const sum = (list: string[]) => list.reduce((total, path) => total + sizeOf(path), 0);
  expect(sum(first)).toBeLessThan(200_000);
  expect(sum(paths)).toBeLessThan(350_000);
  for (const path of paths.filter((path) => !first.includes(path)))
    expect([path, sizeOf(path) < 100_000]).toEqual([path, true]);
});

test("the notices name the libraries and fonts of the console", () => {
  for (const name of ["react ", "@tanstack/react-router ", "sonner ", "@fontsource/ibm-plex-sans "])
    expect(notices).toContain(`\n${name}`);
});
