import { afterAll, beforeAll, expect, test } from "bun:test";
import { callCli } from "../../support/cli-harness.ts";
import { freshRelay, operatorOf } from "../../support/client-relay.ts";

let relay: Awaited<ReturnType<typeof freshRelay>>;
beforeAll(async () => {
  relay = await freshRelay();
});
afterAll(() => relay.remove());

const cli = (args: string[]) => callCli([...args, "--data", relay.dataDir]);

test("an invited person gets a token that says who they are, until they are removed", async () => {
  const operator = operatorOf(relay);
  const invited = await cli(["invite", "ada", "--notify", "telegram:team/7", "--quiet", "22:00-07:00@Europe/Berlin"]);
  const token = /Token, shown this once: (sbx_\S+)/.exec(invited.stdout)?.[1] ?? "";
  expect((await callCli(["whoami", "--json", "--url", relay.url, "--token", token])).stdout).toMatch(
    /"role": ?"member".*"personId": ?"ada"/s,
  );
  expect((await cli(["invite", "ada"])).code).toBe(2);
  expect((await cli(["people", "list"])).stdout).toMatch(
    /ada +ada +member +telegram:team\/7 +22:00-07:00 Europe\/Berlin/,
  );
  expect((await cli(["people", "put", "ada", "--role", "viewer", "--quiet", "none"])).stderr).toBe("");
  expect(await operator.people.get("ada")).toMatchObject({ role: "viewer", quietHours: null, name: "ada" });
  expect((await cli(["people", "remove", "ada"])).stdout).toContain("ada is deleted");
  expect((await operator.people.list()).items).toEqual([]);
});
