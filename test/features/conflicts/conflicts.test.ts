import { describe, expect, test } from "bun:test";
import { startFleet } from "../../support/sessions.ts";

const MINUTE = 60_000;
const at = (path: string, repository = "github.com/acme/app") => ({ changed: [{ repository, path }] });

async function withTwo() {
  const fleet = await startFleet();
  const { ask, put, box } = fleet;
  const report = (id: string, evidence: object, fields: object = {}) =>
    put(box, id, { agentId: id === "ses_b" ? "box-two" : "box-one", state: "working", evidence, ...fields });
  const told = async (id: string) =>
    (await ask("GET", `/v1/agents/${id}/inbox?after=0`, undefined, box)).body.items
      .filter(({ subject }: { subject: string }) => subject === "Two sessions in one place")
      .map(({ body }: { body: string }) => body);
  return { ...fleet, report, told };
}

describe("two hands in one place", () => {
  test("two live sessions that change one path within half an hour are told once, both of them", async () => {
    const { report, told, pass } = await withTwo();
    await report("ses_a", at("src/main.ts"));
    await report("ses_b", at("src/other.ts"));
    expect(await told("box-one")).toEqual([]);
    await pass(20 * MINUTE);
    await report("ses_b", at("src/main.ts"));
    await report("ses_a", at("src/main.ts"));
    await report("ses_a", at("src/other.ts"));
    for (const id of ["box-one", "box-two"]) {
      const [body, ...more] = await told(id);
      expect(more).toEqual([]);
      for (const part of ["ses_a", "ses_b", "src/main.ts", "github.com/acme/app"]) expect(body).toContain(part);
    }
  });

  test("the same branch out twice is told; other repositories, older changes and dead sessions are not", async () => {
    const { report, told, pass } = await withTwo();
    await report("ses_a", at("src/main.ts"));
    await report("ses_b", at("src/main.ts", "github.com/acme/other"));
    await pass(31 * MINUTE);
    await report("ses_b", at("src/main.ts"));
    await report("ses_c", at("src/gone.ts"));
    await report("ses_c", {}, { state: "dead" });
    await report("ses_b", at("src/gone.ts"));
    expect(await told("box-two")).toEqual([]);
    const branch = { branch: { repository: "github.com/acme/app", name: "fix" } };
    await report("ses_a", branch);
    await report("ses_b", branch);
    expect((await told("box-two"))[0]).toContain("have branch fix out");
  });

  test("evidence that is nothing of the kind is kept and passed over", async () => {
    const { report, told } = await withTwo();
    for (const id of ["ses_a", "ses_b"])
      for (const evidence of [{ changed: 4 }, { changed: [null, 1, { path: 2 }] }, { branch: "main" }])
        expect(await report(id, evidence)).toMatchObject({ evidence });
    expect(await told("box-one")).toEqual([]);
  });
});
