import { expect, test } from "bun:test";
import { join } from "node:path";
import { Glob } from "bun";
import type { Contract } from "../../../src/protocol/contract.ts";
import { startRelay } from "../../support/relay.ts";

const PROTOCOL = join(import.meta.dir, "../../../src/protocol");
/** Served by the relay, and described by another protocol than ours. */
const BINDINGS = /^(a2a-bindings|mcp)\.ts$/;

const isContract = (value: unknown): value is Contract =>
  typeof value === "object" && value !== null && "operationId" in value;

/** Contracts of the protocol's files, by the names under which they are exported. */
async function contracts(): Promise<[name: string, contract: Contract][]> {
  const files = [...new Glob("*.ts").scanSync(PROTOCOL)].filter((file) => !BINDINGS.test(file));
  const modules = await Promise.all(files.map((file) => import(join(PROTOCOL, file))));
  return modules.flatMap((module) =>
    Object.entries(module).flatMap(([name, value]): [string, Contract][] => (isContract(value) ? [[name, value]] : [])),
  );
}

test("every contract is exported under its operation's name", async () => {
  const all = await contracts();
  expect(all.length).toBeGreaterThan(100);
  expect(all.map(([name]) => name)).toEqual(all.map(([, { operationId }]) => operationId));
});

test("the relay serves every contract, and nothing beside them", async () => {
  const { relay } = await startRelay();
  const served = (await relay.routes()).map(({ operationId }) => operationId);
  expect(served.toSorted()).toEqual((await contracts()).map(([name]) => name).toSorted());
});

const VERBS =
  /^(Accept|Acknowledge|Add|Admit|Answer|Append|Ask|Begin|Bind|Browse|Cancel|Change|Check|Claim|Clear|Command|Complete|Copy|Create|Delete|Deliver|Dismiss|Download|End|Explain|Fail|Fetch|Find|Follow|Get|Hand|Hide|Hold|Lease|Let|Lift|List|Look|Make|Mark|Note|Open|Read|Redirect|Register|Reject|Release|Renew|Report|Requeue|Restore|Resume|Revoke|Rotate|Run|Say|Schedule|Send|Set|Sign|Take|Upload)[ ,]/;

test("every summary begins with a verb", async () => {
  const summaries = (await contracts()).map(([, { summary }]) => summary);
  expect(summaries.filter((summary) => !VERBS.test(summary))).toEqual([]);
});
