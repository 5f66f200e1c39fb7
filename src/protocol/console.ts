import { z } from "zod";
import { contracts } from "./contract.ts";

/** First parts of the console's addresses. What follows belongs to the page. */
export const CONSOLE_PLACES = [
  ...["threads", "work", "agents", "sessions", "runs", "activity", "approvals"],
  ...["schedules", "channels", "settings", "flow", "start", "sign-in", "search"],
] as const;

const contract = contracts("Console");
const PAGE = { 200: { description: "The console's page.", type: "text/html", schema: z.string() } };

export const home = contract("home", "GET /", { summary: "Open the console", open: true, answers: PAGE });

const page = (path: `/${string}`) =>
  contract("consolePage", `GET ${path}`, {
    summary: "Open a page of the console",
    open: true,
    params: z.looseObject({}),
    query: z.looseObject({}),
    answers: PAGE,
  });

/** Pages of the console: one file, which finds its way by the address. Not in the OpenAPI document. */
export const consolePages = CONSOLE_PLACES.flatMap((place) => [
  ...[page(`/${place}`), page(`/${place}/{id}`), page(`/${place}/{id}/{part}`)],
]);

export const consoleManifest = contract("consoleManifest", "GET /manifest.webmanifest", {
  summary: "Get the manifest that installs the console",
  open: true,
  answers: { 200: { description: "A web app manifest.", type: "application/manifest+json", schema: z.string() } },
});

export const consoleWorker = contract("consoleWorker", "GET /sw.js", {
  summary: "Get the console's service worker, which shows pushes",
  open: true,
  answers: { 200: { description: "The script.", type: "text/javascript", schema: z.string() } },
});

export const consoleFile = contract("consoleFile", "GET /assets/{file}", {
  summary: "Get a file of the console",
  open: true,
  params: z.strictObject({ file: z.string().max(128) }),
  answers: { 200: { description: "The file.", type: "*/*", schema: z.string() } },
  problems: ["not-found"],
});
