import { z } from "zod";
import { contracts } from "./contract.ts";

/** First parts of the console's addresses. What follows belongs to the page. */
export const CONSOLE_PLACES = [
  ...["threads", "work", "agents", "sessions", "runs", "activity", "approvals"],
  ...["schedules", "channels", "settings", "flow", "start", "sign-in"],
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

export const consoleFile = contract("consoleFile", "GET /assets/{file}", {
  summary: "Get a file of the console",
  open: true,
  params: z.strictObject({ file: z.string().max(128) }),
  answers: { 200: { description: "The file.", type: "*/*", schema: z.string() } },
  problems: ["not-found"],
});
