import type { Inbox } from "../../../protocol/inbox.ts";
import type { Drilled } from "../asking.ts";
import type { Fault } from "../fault.ts";
import { createRandom } from "../kills.ts";
import type { Machine } from "./machine.ts";
import { lookAround } from "./processes.ts";

/** Something that a kill meets. */
export type Victim = "relay" | "daemon" | "agent";

interface Watched {
  faults: Fault[];
  /** Answers until now. */
  progress(): number;
  onKill(kill: number, victim: Victim): void;
}

const LONGEST_MS = 1500;
const LOOK_MS = 20;
/** Longest wait for an answer between two kills. */
const MAX_WAIT_MS = 8_000;

/** Kills the relay, a daemon or an agent CLI, at moments that the seed decides; what was killed is started again. */
export async function killMachines(
  drilled: Drilled,
  machines: readonly Machine[],
  { kills, seed }: { kills: number; seed: number },
  { faults, progress, onKill }: Watched,
): Promise<void> {
  const { relay } = drilled;
  const random = createRandom(seed);
  for (let kill = 1; kill <= kills; kill++) {
    const before = progress();
    for (let waited = 0; progress() === before && waited < MAX_WAIT_MS; waited += LOOK_MS) await Bun.sleep(LOOK_MS);
    await Bun.sleep(random() * LONGEST_MS);
    onKill(kill, await killOne(random()));
  }

  async function killOne(choice: number): Promise<Victim> {
    const agents = lookAround(relay.dataDir).filter(({ isAgent }) => isAgent);
    const agent = agents[Math.floor(random() * agents.length)];
    if (choice < 0.3 && agent) {
      process.kill(agent.pid, "SIGKILL");
      return "agent";
    }
    if (choice < 0.6) {
      await relay.kill();
      await relay.start();
      return "relay";
    }
    const machine = machines[Math.floor(random() * machines.length)] as Machine;
    await machine.kill();
    await checkAcks(drilled, machine, faults);
    machine.start();
    return "daemon";
  }
}

/** A dead daemon has acknowledged nothing that reached no turn: its journal is compared with the relay's cursors. */
async function checkAcks({ ask }: Drilled, { id, journal: path, agentId }: Machine, faults: Fault[]): Promise<void> {
  const { openJournal } = await import("../../../daemon/journal/journal.ts");
  const journal = openJournal(path, process.pid);
  const position = journal.position();
  const waiting = journal.letters.oldestWaiting(agentId);
  journal.close();
  for (const agent of [agentId, `orchestrator-${id}`]) {
    const { status, body } = await ask<Inbox>("GET", `/v1/agents/${agent}/inbox?limit=1`);
    const bound = agent === agentId && waiting !== undefined ? waiting - 1 : position;
    if (status < 300 && body.cursor > bound)
      faults.push({ kind: "lost", what: `${agent} acknowledged ${body.cursor}, and only ${bound} has reached a turn` });
  }
}
