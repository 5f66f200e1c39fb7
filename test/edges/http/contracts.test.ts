import { expect, test } from "bun:test";
import { contractsOf } from "../../support/contracts.ts";
import { startRelay } from "../../support/relay.ts";

test("every contract is exported under its operation's name", async () => {
  const all = await contractsOf("ours");
  expect(all.length).toBeGreaterThan(100);
  expect(all.map(([name]) => name)).toEqual(all.map(([, { operationId }]) => operationId));
});

test("the relay serves every contract, and nothing beside them", async () => {
  const { relay } = await startRelay();
  const served = (await relay.routes()).map(({ operationId }) => operationId);
  expect(served.toSorted()).toEqual((await contractsOf("ours")).map(([name]) => name).toSorted());
});

const VERBS =
  /^(Accept|Acknowledge|Add|Admit|Answer|Append|Ask|Begin|Bind|Browse|Cancel|Change|Check|Claim|Clear|Command|Complete|Copy|Create|Delete|Deliver|Dismiss|Download|End|Explain|Fail|Fetch|Find|Follow|Get|Hand|Hide|Hold|Lease|Let|Lift|List|Look|Make|Mark|Note|Open|Read|Redirect|Register|Reject|Release|Renew|Report|Requeue|Restore|Resume|Revoke|Rotate|Run|Say|Schedule|Send|Set|Sign|Take|Upload)[ ,]/;

test("every summary begins with a verb", async () => {
  const summaries = (await contractsOf("ours")).map(([, { summary }]) => summary);
  expect(summaries.filter((summary) => !VERBS.test(summary))).toEqual([]);
});
