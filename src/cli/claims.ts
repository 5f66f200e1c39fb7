import { Option } from "commander";
import { RelayProblem } from "../client/client.ts";
import type { MessageKind } from "../protocol/messages.ts";
import type { Claimed, WorkAnswer } from "../protocol/work.ts";
import type { CliCommand } from "./commands.ts";
import type { Context } from "./context.ts";
import { EXIT, Stop } from "./exit.ts";
import { collect, collectKinds, jsonValue, textOrStdin, wholeNumber } from "./options.ts";
import type { Output } from "./output.ts";
import { claimedText, timeText } from "./show.ts";

const GROUP = "Work:";

export function addClaimCommands(program: CliCommand): void {
  addClaim(program);
  addComplete(program);
  addFail(program);
  addRelease(program);
  addRenew(program);
}

interface ClaimOptions {
  lease?: number;
  wait?: number;
  max?: number;
  kind?: MessageKind[];
  topic?: string[];
  held?: boolean;
}

function addClaim(program: CliCommand): void {
  program
    .sub("claim", "Claim work: one message, or the next that is open", GROUP)
    .argument("[id]", "this message; else urgent first, then the oldest", wholeNumber)
    .option("--lease <seconds>", "time until the claim ends if it is not renewed (default: 600)", wholeNumber)
    .option("--wait <seconds>", "wait this long for work, at most 60", wholeNumber)
    .option("--max <n>", "how many at most (default: 1)", wholeNumber)
    .option("--kind <kind>", "only this kind; repeatable", collectKinds)
    .option("--topic <topic>", "only this topic; repeatable", collect)
    .addOption(
      new Option("--held", "take nothing: list what is held").conflicts(["lease", "wait", "max", "kind", "topic"]),
    )
    .example("claim --as builder --wait 30 --json")
    .act(async (context, id: number | undefined, options: ClaimOptions) => {
      const { out } = context;
      if (id === undefined) return await claimSome(context, options);
      const claimed = await context.client.claims.claim(id, { leaseSeconds: options.lease }).catch(async (error) => {
        const hint = error instanceof RelayProblem && error.status === 403 ? await unnamed(context) : "";
        throw hint ? new Stop(EXIT.problem, `${error.message.replace(/\.$/, "")}${hint}`) : error;
      });
      await out.show(claimed, () => claimedText(claimed, out));
    });
}

/** Advice for an operator that acts as `user` because it named no agent; "" for other callers. */
export async function unnamed({ settings, client }: Context): Promise<string> {
  if (settings.agentId !== undefined || (await client.whoami()).role !== "operator") return "";
  return ": an operator's token acts as user. Name the agent with --as or SIGNALBOX_AGENT";
}

async function claimSome(context: Context, options: ClaimOptions): Promise<void> {
  const { client, out } = context;
  const { lease: leaseSeconds, wait: waitSeconds, max, kind: kinds, topic: topics, held } = options;
  const claimed = held
    ? await client.claims.held()
    : await client.claims.claimNext({ leaseSeconds, waitSeconds, max, kinds, topics });
  if (claimed.items.length > 0 || out.json) await out.show(claimed, () => listText(claimed.items, out));
  if (claimed.items.length === 0)
    throw new Stop(EXIT.nothing, `${held ? "Nothing is held" : "There is no work to claim"}${await unnamed(context)}`);
}

const listText = (items: Claimed[], out: Output) => items.map((item) => claimedText(item, out)).join("\n");

type LeaseOptions = { leaseToken?: string };

/** Adds a command on one lease. The relay tells the holder the token, so it may be left out. */
function leaseCommand(program: CliCommand, name: string, description: string): CliCommand {
  return program
    .sub(name, description, GROUP)
    .argument("<id>", "the message", wholeNumber)
    .option("--lease-token <token>", "token of the lease (default: the one that the agent holds)");
}

async function tokenOf(context: Context, id: number, { leaseToken }: LeaseOptions): Promise<string> {
  if (leaseToken) return leaseToken;
  const { items } = await context.client.claims.held();
  const held = items.find(({ message }) => message.id === id);
  if (!held) throw new Stop(EXIT.nothing, `Message ${id} is not held${await unnamed(context)}`);
  return held.claim.token;
}

const done = (out: Output, answer: WorkAnswer) =>
  out.show(answer, () => {
    const { message, claim } = answer;
    return `Message ${message.id} is ${message.state}${claim ? `, held until ${timeText(claim.expiresAt)}` : ""}`;
  });

type CompleteOptions = LeaseOptions & { subject?: string; payload?: Record<string, unknown> };

function addComplete(program: CliCommand): void {
  leaseCommand(program, "complete", "Complete held work, with a result or without")
    .argument("[result]", "the text for the sender; - reads stdin")
    .option("--subject <line>", "the result's subject")
    .option("--payload <json>", "the result's data, a JSON object", jsonValue)
    .example('complete 17 "Built, all green" --as builder')
    .act(async (context, id: number, text: string | undefined, options: CompleteOptions) => {
      const { subject, payload } = options;
      const body = text === undefined ? undefined : await textOrStdin(text);
      const result = [body, subject, payload].some((given) => given !== undefined)
        ? { body, subject, payload }
        : undefined;
      const token = await tokenOf(context, id, options);
      await done(context.out, await context.client.claims.complete(id, { token, result }));
    });
}

type FailOptions = LeaseOptions & { retryAfter?: number; final?: boolean };

function addFail(program: CliCommand): void {
  leaseCommand(program, "fail", "Fail held work; the attempt counts")
    .argument("<error>", "the reason; - reads stdin")
    .option("--retry-after <seconds>", "time until it can be claimed again", wholeNumber)
    .option("--final", "no further attempt: it becomes a dead letter")
    .example('fail 17 "The tests are red" --retry-after 60 --as builder')
    .act(async (context, id: number, text: string, options: FailOptions) => {
      const error = await textOrStdin(text);
      const token = await tokenOf(context, id, options);
      const body = { token, error, retryAfterSeconds: options.retryAfter, final: options.final };
      await done(context.out, await context.client.claims.fail(id, body));
    });
}

function addRelease(program: CliCommand): void {
  leaseCommand(program, "release", "Give held work back; the attempt does not count")
    .option("--delay <seconds>", "time until it can be claimed again", wholeNumber)
    .option("--reason <text>", "the reason")
    .example("release 17 --delay 300 --as builder")
    .act(async (context, id: number, options: LeaseOptions & { delay?: number; reason?: string }) => {
      const token = await tokenOf(context, id, options);
      const body = { token, delaySeconds: options.delay, reason: options.reason };
      await done(context.out, await context.client.claims.release(id, body));
    });
}

function addRenew(program: CliCommand): void {
  leaseCommand(program, "renew", "Extend the lease of held work")
    .option("--lease <seconds>", "time until the claim ends, from now on (default: as it was claimed)", wholeNumber)
    .option("--progress <text>", "progress to report to the sender")
    .example('renew 17 --lease 3600 --progress "Half of the tests ran" --as builder')
    .act(async (context, id: number, options: LeaseOptions & { lease?: number; progress?: string }) => {
      const token = await tokenOf(context, id, options);
      const body = { token, leaseSeconds: options.lease, progress: options.progress };
      await done(context.out, await context.client.claims.renew(id, body));
    });
}
