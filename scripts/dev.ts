import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Stop } from "../src/cli/exit.ts";
import { BUN_FLAGS } from "../src/cli/own.ts";
import { onScratchRelay, type ScratchRelay } from "../src/cli/scratch-relay.ts";
import { createClient } from "../src/client/client.ts";

/** The relay on scratch data with agents to play with; every change of a source starts it anew over the same data. */
const { values } = parseArgs({ options: { port: { type: "string", default: "4747" } } });
const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

const AGENTS = [
  { id: "builder", name: "Builder", tags: ["dev"], description: "Builds and releases." },
  { id: "reviewer", name: "Reviewer", tags: ["review"], description: "Reads what others have built." },
  { id: "planner", name: "Planner", tags: ["plan"], description: "Splits work and hands it out." },
];

async function seed(relay: ScratchRelay): Promise<void> {
  const operator = createClient({ url: relay.url(), token: relay.token() });
  for (const { id, ...fields } of AGENTS) await operator.agents.register(id, { ...fields, status: "online" });
  const send = operator.messages.send;
  await send({ from: "planner", to: "broadcast", body: "Good morning. The release is planned for today." });
  await send({ from: "builder", to: "planner", body: "Main is green." });
  await send({ from: "planner", to: "tag:review", subject: "Review the migration", body: "Twice.", claimable: true });
  await operator.delegations.ask({
    from: "planner",
    to: "builder",
    text: "Is it safe to release?",
    timeoutSeconds: 86_400,
  });
}

await onScratchRelay(
  {
    ...{ name: "dev", port: values.port, log: "inherit" },
    command: [process.execPath, "--watch", "--no-clear-screen", ...BUN_FLAGS, main],
  },
  async (relay) => {
    await relay.start();
    await seed(relay);
    console.error(`
${AGENTS.map(({ id }) => id).join(", ")} are registered at ${relay.url()}, and a change of a source starts the relay anew. In another shell:
  export SIGNALBOX_DATA_DIR=${relay.dataDir}
  scripts/signalbox inbox --as reviewer
Ctrl-C removes the data.`);
    await new Promise(() => {});
  },
).catch((error) => {
  // The relay has said why already.
  if (!(error instanceof Stop)) throw error;
  process.exit(error.code);
});
