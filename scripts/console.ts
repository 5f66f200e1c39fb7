import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import type { BunPlugin } from "bun";
import tailwind from "bun-plugin-tailwind";
import type { ConsoleFile, ConsolePack } from "../src/edges/console/pack.ts";
import { lazy } from "../src/kernel/lazy.ts";
import type { Contract } from "../src/protocol/contract.ts";
import { noticesOf } from "./notices.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const TYPES: Record<string, string> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  png: "image/png",
  svg: "image/svg+xml",
  woff2: "font/woff2",
};

/**
 * Leaves the shapes out of the protocol's contracts: the console calls operations, and the relay checks them. It saves 60 KB of
 * 92 KB, compressed. A module that also exports functions stays whole.
 */
const contractsAlone: BunPlugin = {
  name: "contracts-alone",
  setup(build) {
    build.onLoad({ filter: /src\/protocol\/[^/]+\.ts$/ }, async ({ path }) => {
      const exported = Object.entries((await import(path)) as Record<string, unknown>);
      if (exported.some(([, value]) => typeof value === "function")) return undefined;
      const lines = exported.map(([name, value]) => `export const ${name} = ${JSON.stringify(slimOf(value))};`);
      return { contents: [ANY_SHAPE, ...lines].join("\n").replaceAll('"ANY_SHAPE"', "ANY_SHAPE"), loader: "js" };
    });
  },
};

/** Takes every answer as it is. */
const ANY_SHAPE = "const ANY_SHAPE = { safeParse: (data) => ({ success: true, data }) };";

function slimOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("_zod" in value) return "ANY_SHAPE";
  if (!("operationId" in value)) return value;
  const { operationId, method, path, repeatable, answers } = value as Contract;
  const slim = Object.entries(answers).map(([status, { type, schema }]) => [
    status,
    { type, schema: schema && "ANY_SHAPE" },
  ]);
  return { operationId, method, path, repeatable, answers: Object.fromEntries(slim) };
}

/** Sonner adds its style sheet as an inline style, which the console's policy refuses: styles.css imports it. */
const withoutInlineStyles: BunPlugin = {
  name: "without-inline-styles",
  setup(build) {
    build.onLoad({ filter: /sonner\/dist\/index\.mjs$/ }, async ({ path }) => {
      const source = await Bun.file(path).text();
      return { contents: source.replace(/^__insertCSS\(.*\);$/m, ""), loader: "js" };
    });
  },
};

/** Fonts that src/console/fonts.css names. */
const FONTS = [
  ...["ibm-plex-sans-latin-400", "ibm-plex-sans-latin-600", "ibm-plex-mono-latin-400"],
  ...["ibm-plex-sans-latin-ext-400", "ibm-plex-sans-latin-ext-600"],
];

const fontPath = (name: string): string =>
  `${root}node_modules/@fontsource/${name.slice(0, name.indexOf("-latin"))}/files/${name}-normal.woff2`;

/** Icons of the installed app and of notifications. */
const ICONS = ["icon-192.png", "icon-512.png", "badge-96.png"];

async function iconFile(name: string): Promise<[string, ConsoleFile]> {
  const path = `${root}src/console/icons/${name}`;
  return [`assets/${name}`, packed(path, new Uint8Array(await Bun.file(path).arrayBuffer()))];
}

/** Links that make a page installable. Bun would take these links for files of its own. */
const INSTALLABLE =
  '<link rel="manifest" href="/manifest.webmanifest"><link rel="apple-touch-icon" href="/assets/icon-192.png">' +
  '<meta name="apple-mobile-web-app-title" content="Signalbox">';

/** The service worker: one script, at an address that never changes. */
async function workerFile(): Promise<[string, ConsoleFile]> {
  const built = await Bun.build({
    ...{ entrypoints: [`${root}src/console/worker/worker.ts`], minify: true, target: "browser", format: "iife" },
    plugins: [contractsAlone],
  });
  const [script] = built.outputs;
  if (!script) throw new Error("the worker was not built");
  return ["worker.js", packed("worker.js", new Uint8Array(await script.arrayBuffer()))];
}

async function fontFile(name: string): Promise<[string, ConsoleFile]> {
  const path = fontPath(name);
  return [`assets/${name}.woff2`, packed(path, new Uint8Array(await Bun.file(path).arrayBuffer()))];
}

/** The console: all of its files, compressed, and the notices of the libraries in it. Made once. */
export const packConsole: () => Promise<{ pack: ConsolePack; notices: string }> = lazy(makeConsole);

async function makeConsole(): Promise<{ pack: ConsolePack; notices: string }> {
  const built = await Bun.build({
    entrypoints: [`${root}src/console/index.html`],
    minify: true,
    splitting: true,
    target: "browser",
    publicPath: "/",
    define: { "process.env.NODE_ENV": '"production"' },
    naming: { entry: "[name].[ext]", chunk: "assets/[name]-[hash].[ext]", asset: "assets/[name]-[hash].[ext]" },
    plugins: [tailwind, contractsAlone, withoutInlineStyles],
    // Bun would write fonts into the style sheet, which every visit loads whole.
    external: ["*.woff2"],
    metafile: true,
  });
  const files = await Promise.all(
    built.outputs.map(async (output): Promise<[string, ConsoleFile]> => {
      const path = output.path.replace(/^\.?\//, "");
      const bytes = new Uint8Array(await output.arrayBuffer());
      const html = () => new TextDecoder().decode(bytes).replace("</head>", `${INSTALLABLE}</head>`);
      return [path, packed(path, path === "index.html" ? new TextEncoder().encode(html()) : bytes)];
    }),
  );
  const fonts = await Promise.all(FONTS.map(fontFile));
  const icons = await Promise.all(ICONS.map(iconFile));
  const all = [...files, ...fonts, ...icons, await workerFile()];
  return { pack: Object.fromEntries(all), notices: noticesOf(built, FONTS.map(fontPath)) };
}

function packed(path: string, bytes: Uint8Array<ArrayBuffer>): ConsoleFile {
  const type = TYPES[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream";
  // These are compressed already.
  if (type.startsWith("font/") || type === "image/png") return { type, plain: Buffer.from(bytes).toString("base64") };
  const gzip = Buffer.from(Bun.gzipSync(bytes, { level: 9 }));
  const br = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  return { type, br: br.toString("base64"), gzip: gzip.toString("base64") };
}

const [, , file] = process.argv;
if (import.meta.main && file) writeFileSync(file, JSON.stringify((await packConsole()).pack));
