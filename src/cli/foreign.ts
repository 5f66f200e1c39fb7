import { everyItem } from "../client/client.ts";
import { quoted } from "../harness/launcher.ts";
import type { CommandResult, ForeignSession } from "../protocol/command-results.ts";
import type { Context } from "./context.ts";
import { cancelQuietly, resultOf } from "./daemon-answers.ts";
import { EXIT, Stop } from "./exit.ts";
import { safeLine, safeText } from "./screen.ts";
import { ageText } from "./show.ts";

/** Time for a daemon to ask all its CLIs. */
const PATIENCE_SECONDS = 60;

interface Found extends ForeignSession {
  orchestratorId: string;
  /** Command line that adopts it; null where it cannot be adopted. */
  adopt: string | null;
}

interface Failed {
  orchestratorId: string;
  provider?: string;
  error: string;
}

interface Look {
  items: Found[];
  omitted: number;
  failed: Failed[];
}

/** Prints the sessions of agent CLIs that people began by hand, on one machine or on all that are online. */
export async function listForeign(context: Context, on: string | undefined): Promise<void> {
  const { client, out } = context;
  const online = everyItem((page) => client.orchestrators.list({ status: "online", limit: 500, page }));
  const ids = on === undefined ? (await Array.fromAsync(online)).map(({ id }) => id) : [on];
  const looks = await Promise.all(ids.map((id) => lookAt(context, id)));
  const whole: Look = {
    items: looks.flatMap(({ items }) => items),
    omitted: looks.reduce((sum, { omitted }) => sum + omitted, 0),
    failed: looks.flatMap(({ failed }) => failed),
  };
  for (const { orchestratorId, provider, error } of out.json ? [] : whole.failed)
    out.note(safeLine(`${provider === undefined ? orchestratorId : `${orchestratorId}/${provider}`}: ${error}`));
  const isEmpty = whole.failed.length > 0 && whole.items.length === 0;
  if (!isEmpty || out.json) await out.show(whole, () => textOf(whole, ids.length, out));
  if (isEmpty) throw new Stop(EXIT.problem, "No sessions could be listed.");
}

async function lookAt({ client }: Context, orchestratorId: string): Promise<Look> {
  const failed = (error: string): Look => ({ items: [], omitted: 0, failed: [{ orchestratorId, error }] });
  const asked = await client.orchestrators.command(
    ...([orchestratorId, { do: "list" }, { timeoutSeconds: PATIENCE_SECONDS }] as const),
  );
  if (asked.queued) {
    await cancelQuietly(client, asked.id, "It is offline.");
    return failed("it is offline");
  }
  const ended = await client.delegations.wait(asked.id);
  if (ended.status !== "answered") return failed(ended.answer?.error || ended.answer?.text || ended.status);
  return found(orchestratorId, resultOf(ended));
}

function found(orchestratorId: string, { foreign = [], omitted = 0, failed = [] }: CommandResult): Look {
  return {
    items: foreign.map((one) => ({ orchestratorId, ...one, adopt: adoptLine(orchestratorId, one) })),
    ...{ omitted, failed: failed.map((one) => ({ orchestratorId, ...one })) },
  };
}

function adoptLine(orchestratorId: string, { provider, nativeId, cwd, inWorkspace }: ForeignSession): string | null {
  if (!inWorkspace || cwd === null || nativeId.startsWith("-")) return null;
  const words = ["signalbox", "adopt", `${orchestratorId}/${provider}`, nativeId, "--cwd", cwd];
  return words.map(quoted).join(" ");
}

const HEAD = ["WHERE", "NATIVE ID", "AGE", "OPEN", "FOLDER", "ABOUT"];

function textOf({ items, omitted }: Look, asked: number, out: Context["out"]): string {
  if (asked === 0) return "No orchestrator is online";
  if (items.length === 0) return "There are no such sessions";
  const rows = items.map(({ orchestratorId, provider, nativeId, startedAt, isOpen, cwd, about }) => [
    ...[`${orchestratorId}/${provider}`, nativeId, ageText(startedAt), openText(isOpen), cwd ?? "-", about ?? "-"],
  ]);
  const adoptable = items.flatMap(({ adopt }) => (adopt === null ? [] : [`  ${safeText(adopt)}`]));
  const outside = items.length - adoptable.length;
  return [
    out.table(HEAD, rows),
    ...(omitted > 0 ? [`${omitted} older ones are not shown`] : []),
    ...(adoptable.length > 0
      ? ["", "Adopt one. Where somebody may have it open, a copy of it goes on:", ...adoptable]
      : []),
    ...(outside > 0 ? [`${outside} cannot be adopted: their folders are outside of the workspace.`] : []),
  ].join("\n");
}

const openText = (isOpen: boolean | null): string => (isOpen === null ? "not said" : isOpen ? "yes" : "no");
