import { RelayProblem } from "../../client/errors.ts";
import { headOf } from "../../client/text.ts";
import { untilAnswered } from "../../client/until-answered.ts";
import { HarnessError } from "../../harness/errors.ts";
import type { CommandResult } from "../../protocol/command-results.ts";
import { type Command, CommandPayload } from "../../protocol/commands.ts";
import { BODY_BYTES } from "../../protocol/limits.ts";
import type { Entry } from "../../protocol/messages.ts";
import { DaemonError } from "../errors.ts";
import type { CommandRow } from "../journal/commands.ts";
import { adopt } from "./adopt.ts";
import type { Done, Hands } from "./hands.ts";
import { createHolds } from "./holds.ts";
import { list } from "./list.ts";
import { peek } from "./peek.ts";
import { send, spawn } from "./spawn.ts";
import { clear, interrupt, kill } from "./stops.ts";

/** Carries out the relay's commands, each once, and answers them. It obeys nothing else. */
export function createCommands(hands: Hands) {
  const { journal, link, time, life, log, config } = hands.services;
  const working = new Set<string>();
  const holds = createHolds(hands);

  function carryOut(row: CommandRow): Promise<Done> {
    const { command } = row.payload;
    const verbs: { [Do in Command["do"]]: (given: Extract<Command, { do: Do }>) => Promise<Done> } = {
      spawn: (given) => spawn(hands, given, row),
      send: (given) => send(hands, given, row),
      interrupt: (given) => interrupt(hands, given),
      peek: (given) => peek(hands, given),
      kill: (given) => kill(hands, given),
      list: (given) => list(hands.services, given),
      adopt: (given) => adopt(hands, given),
      clear: (given) => clear(hands, given),
      hold: (given) => holds.hold(given),
      resume: (given) => holds.resume(given),
      probe: (given) => probe(hands, given),
    };
    const verb = verbs[command.do] as (given: Command) => Promise<Done>;
    return verb(command);
  }

  async function work(row: CommandRow): Promise<void> {
    const result = row.state === "done" && row.result ? row.result : await resultOf(row);
    if (life.aborted) return;
    journal.write(() => journal.commands.mark(row.delegationId, "done", result));
    const { error, ...commandResult } = result;
    const answer =
      error === undefined
        ? { text: headOf(result.text ?? "Done.", BODY_BYTES), payload: { commandResult } }
        : { error: headOf(error, 4096) };
    const key = { idempotencyKey: `command:${row.delegationId}`, agentId: `orchestrator-${config.id}` };
    await untilAnswered(time, () => link.box.delegations.answer(row.delegationId, answer, key), life).catch(
      (problem) => {
        // Cancelled, or out of time: nobody waits for it.
        if (!(problem instanceof RelayProblem)) throw problem;
        log(`The answer to command ${row.delegationId} was refused: ${problem.message}`);
      },
    );
    journal.write(() => journal.commands.mark(row.delegationId, "answered", result));
  }

  async function resultOf(row: CommandRow): Promise<CommandResult & { error?: string }> {
    try {
      return await carryOut(row);
    } catch (error) {
      if (life.aborted) throw error;
      const isKnown = error instanceof DaemonError || error instanceof HarnessError || error instanceof RelayProblem;
      if (!isKnown) log(`Command ${row.payload.command.do} failed: ${error instanceof Error ? error.stack : error}`);
      return { error: error instanceof Error ? error.message : String(error) };
    }
  }

  return {
    gate: holds.gate,
    isHeld: holds.isHeld,
    /** Stores a command, in the open write. A request without one is answered with a sentence. */
    accept(entry: Entry): void {
      const delegationId = entry.payload?.delegationId;
      if (entry.kind !== "request" || typeof delegationId !== "string") return;
      const { data } = CommandPayload.safeParse(entry.payload);
      if (data) return void (journal.commands.add(delegationId, entry.id, data) && holds.note(data.command));
      // The answer needs a row; its command is never carried out.
      const none: CommandPayload = { command: { do: "resume", holdId: "none" } };
      if (!journal.commands.add(delegationId, entry.id, none)) return;
      const error = "An orchestrator takes commands alone: POST /v1/orchestrators/{id}/commands, or signalbox spawn.";
      journal.commands.mark(delegationId, "done", { error });
    },
    /** Carries out what is stored and not answered. */
    run(): void {
      for (const row of journal.commands.open()) {
        if (working.has(row.delegationId)) continue;
        working.add(row.delegationId);
        void work(row)
          .catch((error) => life.aborted || log(`A command failed: ${error instanceof Error ? error.stack : error}`))
          .finally(() => working.delete(row.delegationId));
      }
    },
  };
}

async function probe({ services }: Hands, { provider }: Extract<Command, { do: "probe" }>): Promise<Done> {
  const found = services.providers.get(provider);
  if (!found) throw new DaemonError(`No provider is called ${provider}.`);
  const { version } = await found.provider.probe(services.life);
  return { text: `${provider} ${version} answers.` };
}
