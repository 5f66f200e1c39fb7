import { z } from "zod";
import { handedOver } from "../../features/delegations/handed.ts";
import { check } from "../../kernel/http/body.ts";
import {
  type Delegation,
  type DelegationAnswer,
  DelegationDraft,
  DelegationId,
  DelegationResponse,
} from "../../protocol/delegations.ts";
import type { Explanation } from "../../protocol/explain.ts";
import { MessageDraft } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import { type Letter, PREFACE, targetOf } from "../envelope/envelope.ts";
import { askFirst, WAITING } from "./many.ts";
import { runStatus } from "./runs.ts";
import { envelopesFor, type McpAreas, type Turn, withProgress } from "./services.ts";
import { budget, id, READ_ONLY, roomIn, tool, wait } from "./tool.ts";

const DelegationName = z.string().describe("dlg_...");

export const delegate = tool({
  name: "delegate",
  description:
    "Ask an agent or group for something that owes an answer. Exactly one answer comes to your inbox, whatever happens.",
  input: z.strictObject({
    to: z.string(),
    text: z.string(),
    context: z.string().optional().describe("What it has to know."),
    timeout: z.int().min(1).max(2_592_000).default(300).describe("Seconds until it has failed."),
    wait,
    about: z.literal("nothing").optional().describe("nothing: not part of what you work on."),
    key: z.string().optional(),
  }),
  output: z.object({ text: z.string(), delegation: z.string(), status: z.string(), message: z.int() }),
  async run(areas, turn, { to, text, context, timeout, wait, about, key }) {
    const { caller } = turn;
    const more = context === undefined ? {} : { context: { summary: context } };
    const body = check(DelegationDraft, { to, text, timeoutSeconds: timeout, ...more }, "");
    const draft = { ...body, causedBy: about === undefined ? undefined : null };
    const asks = await askFirst(areas, turn, check(MessageDraft, { to, body: text }, ""));
    if (asks) return { text: WAITING, facts: { text: WAITING, delegation: "", status: "", message: 0 }, asks };
    const { made } = await areas.kernel.db.write((tx) => areas.delegations.service.ask(tx, caller, draft, key));
    return answerOf(areas, turn, await handed(areas, turn, await waitFor(areas, turn, made, wait)), 2000);
  },
});

export const answer = tool({
  name: "answer",
  description: "Answer a delegation that you were asked (or whose work you claimed), or say why it cannot be done.",
  input: z.strictObject({
    delegation: DelegationName,
    text: z.string().optional(),
    error: z.string().optional().describe("Why it cannot be done."),
  }),
  output: z.object({ delegation: z.string(), status: z.string(), late: z.boolean() }),
  async run(areas, turn, { delegation, text, error }) {
    const id = delegationId(delegation);
    const body = check(DelegationResponse, { text, error }, "");
    const { made } = await areas.kernel.db.write((tx) =>
      areas.delegations.service.respond(tx, turn.caller, id, body, undefined),
    );
    const late = made.late ? " It had ended before: your answer was marked late." : "";
    return {
      text: `${made.id} is ${made.status}.${late}`,
      facts: { delegation: made.id, status: made.status, late: made.late },
    };
  },
});

export const status = tool({
  name: "status",
  description: "Outcome of a message, or of a delegation or run with its result.",
  input: z.strictObject({
    message: id.optional(),
    delegation: DelegationName.optional(),
    run: z.string().optional().describe("run_..."),
    wait: wait.describe("Seconds to wait for its end."),
    budget: budget(1500),
  }),
  output: z.object({ text: z.string() }),
  hints: READ_ONLY,
  async run(areas, turn, { message, delegation, run, wait, budget: tokens }) {
    const { caller } = turn;
    if (run !== undefined) {
      const { text } = await runStatus(areas, turn, run, { wait, budget: tokens });
      return { text, facts: { text } };
    }
    if (delegation !== undefined) {
      const id = delegationId(delegation);
      const found = await areas.kernel.db.read((on) => areas.delegations.service.get(on, caller, id));
      return answerOf(areas, turn, await handed(areas, turn, await waitFor(areas, turn, found, wait)), tokens);
    }
    if (message === undefined) throw Problem.invalid("message", "is missing: give it, or delegation or run");
    const story = await areas.kernel.db.read((on) =>
      areas.core.messages.explainer.explain(on, caller, message, "", 20),
    );
    const text = envelopesFor(areas, turn).quote(
      `${message}: what the relay knows; errors are quoted from others`,
      storyText(story),
      roomIn(tokens, 60),
    );
    return { text, facts: { text } };
  },
});

function storyText({ facts, recipients, nextPage }: Explanation): string {
  const steps = facts.map(({ at, step, ...more }) => {
    const said = Object.entries(more).filter(([, value]) => value !== null && value !== undefined);
    return `${at.slice(0, 19)}Z ${step} ${said.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(" ")}`;
  });
  const lines = recipients.map(({ sentence }) => sentence);
  return [...lines, ...(nextPage ? ["and further recipients"] : []), ...steps].join("\n");
}

/** @throws Problem 422 */
const delegationId = (given: string): string => check(DelegationId, given, "");

/** Waits for the end of a delegation. @returns it as it is when the time is up */
async function waitFor(areas: McpAreas, turn: Turn, now: Delegation, seconds: number): Promise<Delegation> {
  if (seconds === 0 || now.endedAt !== null) return now;
  const { caller, signal } = turn;
  return withProgress(areas, turn, seconds, () =>
    areas.core.inbox.waits.forEntries<Delegation>({
      ...{ caller, signal, agentId: caller.agentId },
      waitMs: seconds * 1000,
      // Every end sends the asker a message in the same write.
      targets: async () => [now.from],
      look: () => areas.kernel.db.read((on) => areas.delegations.service.get(on, caller, now.id)),
      found: (delegation) => delegation.endedAt !== null,
    }),
  );
}

const handed = ({ kernel, delegations }: McpAreas, { caller }: Turn, delegation: Delegation): Promise<Delegation> =>
  handedOver(kernel.db, delegations.service, caller, delegation);

async function answerOf(areas: McpAreas, turn: Turn, delegation: Delegation, tokens: number) {
  const { id, status, to, messageId, deadlineAt, queued, late, answer } = delegation;
  const facts = { delegation: id, status, message: messageId };
  const open = delegation.endedAt === null;
  const head =
    `${id} to ${targetOf(to)} is ${status}${late ? ", answered late" : ""}.` +
    (open
      ? ` Answer by ${deadlineAt.slice(0, 19)}Z${queued ? "; no recipient is online" : ""}; it comes to your inbox.`
      : "");
  if (!answer) return { text: head, facts: { text: head, ...facts } };
  const letter: Letter = {
    id: answer.messageId,
    from: answer.from,
    to: delegation.from,
    kind: "response",
    ...(await signatureOf(areas, answer)),
    ...{ topic: null, subject: null, urgent: false },
    ...{ encoding: answer.encoding, threadId: delegation.threadId },
    body: [answer.error === null ? "" : `error: ${answer.error}`, answer.text ?? ""].filter(Boolean).join("\n"),
    payload: answer.payload,
    createdAt: answer.at,
  };
  const room = roomIn(tokens, 150);
  const said = envelopesFor(areas, turn).message(letter, { tokens: room, withPayload: true }).text;
  const text = [head, PREFACE, said].join("\n");
  return { text, facts: { text, ...facts } };
}

/** Author of an answer, as its message says. Retention may have taken that. */
async function signatureOf(
  { kernel, core }: McpAreas,
  { messageId, from }: DelegationAnswer,
): Promise<Pick<Letter, "source" | "via" | "person">> {
  const said = await kernel.db.read((on) => core.messages.rows.byId(on, messageId));
  if (!said) return { source: from === "system" ? "relay" : "agent", via: null, person: null };
  const { source, via, person } = said;
  return { source, via, person };
}
