import { z } from "zod";
import { at, contracts, gone, made, paged } from "./contract.ts";
import { NAMED, named, strictObject } from "./shape.ts";
import { Bool, jsonObject, line, listOf, PageQuery, Str, Time } from "./wire.ts";

/** Views that one person, or the desk, may keep. */
export const MAX_VIEWS = 100;
const MAX_SEARCH = 4096;

export const ViewName = line(64).describe("As its person calls it.");

/** `PUT /v1/views/{name}`: the whole view. */
export const ViewDraft = strictObject(() => ({
  page: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,31}$/, "has to be the name of a page, like work")
    .describe("Page of the console."),
  search: jsonObject(MAX_SEARCH).default({}).describe("Its search parameters."),
})).register(NAMED, { id: "ViewDraft" });
export type ViewDraft = z.input<typeof ViewDraft>;
export type ParsedView = z.output<typeof ViewDraft>;

export const View = named("View", "A page of the console with its search, kept under a name.", () => ({
  name: Str,
  page: Str,
  search: z.record(Str, z.unknown()),
  shared: Bool.describe("Kept by a token without a person: everybody sees it."),
  updatedAt: Time,
}));
export type View = z.infer<typeof View>;
export const ViewList = listOf(View).register(NAMED, { id: "ViewList" });
export const ViewQuery = strictObject(() => ({ ...PageQuery }));

const Path = strictObject(() => ({ name: ViewName }));
const contract = contracts("Console");

export const listViews = contract("listViews", "GET /v1/views", {
  ...paged(ViewQuery, ViewList, "A page, by name: the person's own, and those that are shared."),
  summary: "List saved views",
});
export const getView = contract("getView", "GET /v1/views/{name}", {
  ...at(Path, View, "The person's own one, else the one that is shared."),
  summary: "Get a saved view",
});
export const putView = contract("putView", "PUT /v1/views/{name}", {
  params: Path,
  summary: "Make or replace a saved view",
  description:
    "By operators and members, each for their own person. A token without a person keeps views for everybody.",
  body: ViewDraft,
  example: { page: "work", search: { show: "dead", target: "tag:review" } },
  repeatable: true,
  answers: made(View, "Made.", "Replaced."),
  problems: ["forbidden", "budget-exceeded"],
});
export const deleteView = contract("deleteView", "DELETE /v1/views/{name}", {
  ...gone(Path),
  summary: "Delete a saved view",
});
