import { expect, test } from "bun:test";
import { startRelay } from "../../support/relay.ts";

const VIEW = { page: "work", search: { show: "dead", target: "tag:review" } };

test("views are kept for each person; those of a token without one are shown to all", async () => {
  const { ask, agent } = await startRelay();
  for (const [id, role] of [
    ["ida", "operator"],
    ["una", "member"],
    ["vic", "viewer"],
  ])
    await ask("PUT", `/v1/people/${id}`, { name: id, role });
  const tokenOf = async (personId: string, role: string) => (await ask("POST", "/v1/tokens", { role, personId })).body;
  const [ida, una, vic] = [
    await tokenOf("ida", "operator"),
    await tokenOf("una", "member"),
    await tokenOf("vic", "viewer"),
  ];
  const put = (name: string, body: object, who = {}) => ask("PUT", `/v1/views/${encodeURIComponent(name)}`, body, who);
  const names = async (who = {}) =>
    (await ask("GET", "/v1/views", undefined, who)).body.items.map((view: { name: string }) => view.name);
  expect((await put("Night / dead", VIEW)).status).toBe(201);
  expect((await put("mine", { page: "work" }, una)).status).toBe(201);
  const again = await put("mine", VIEW, una);
  expect([again.status, again.body]).toEqual([200, expect.objectContaining({ ...VIEW, name: "mine", shared: false })]);
  expect([await names(una), await names(ida), await names(vic)]).toEqual([
    ["Night / dead", "mine"],
    ["Night / dead"],
    ["Night / dead"],
  ]);
  const shared = `/v1/views/${encodeURIComponent("Night / dead")}`;
  await put("Night / dead", { page: "now" }, una);
  expect((await ask("GET", shared, undefined, una)).body).toMatchObject({ page: "now", shared: false });
  expect((await ask("GET", shared, undefined, ida)).body).toMatchObject({ ...VIEW, shared: true });
  expect((await ask("GET", "/v1/views/mine", undefined, ida)).status).toBe(404);
  expect((await ask("DELETE", shared, undefined, ida)).status).toBe(403);
  expect((await ask("DELETE", shared, undefined, una)).status).toBe(204);
  expect((await ask("DELETE", "/v1/views/mine", undefined, ida)).status).toBe(404);
  const ann = await agent("ann");
  expect([(await put("x", VIEW, vic)).status, (await put("x", VIEW, ann)).status]).toEqual([403, 403]);
  for (const [body, pointer] of [
    [{ page: "No Page" }, "/page"],
    [{ page: "work", search: [] }, "/search"],
    [{ page: "work", search: { long: "x".repeat(5000) } }, "/search"],
    [{ page: "work", colour: "red" }, "/colour"],
  ] as const)
    expect((await put("x", body)).body.errors[0].pointer).toBe(pointer);
  for (let n = 1; n < 99; n++) await put(`v${n}`, VIEW, una);
  expect((await put("last", VIEW, una)).status).toBe(201);
  expect((await put("more", VIEW, una)).body.code).toBe("budget-exceeded");
});
