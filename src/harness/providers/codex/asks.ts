import { canonical } from "../../../protocol/canonical.ts";
import { visible } from "../../../protocol/visible.ts";
import { type Ask, createAskTable, formAsk } from "../ask-table.ts";
import type { PermissionAnswer, PermissionRequest, SessionEvent } from "../provider.ts";
import { acceptance, choices, chosen, createRound, type Question, questionsOf, titleOf } from "../questions.ts";
import { editOf, spelledOut } from "../subjects.ts";
import { ChangeAsk, CommandAsk, ElicitationAsk, InputAsk, PermissionsAsk } from "./ask-shapes.ts";
import { patchOf } from "./diffs.ts";
import type { Change } from "./messages.ts";
import type { Rpc, RpcId } from "./rpc.ts";
import { shellLine } from "./shell-line.ts";

interface AsksOptions {
  rpc: Pick<Rpc, "respond" | "refuse">;
  emit(event: SessionEvent): void;
  /** Changes of the item that a question is about. */
  changesOf(itemId: string): readonly Change[];
  /** Gives the reason of a denial to the model. */
  explain(reason: string): void;
  unattended: boolean;
}

/** Questions of Codex that wait for people. */
export function createAsks({ rpc, emit, changesOf, explain, unattended }: AsksOptions) {
  const table = createAskTable<RpcId>({ emit, respond: rpc.respond, explain, unattended });
  return {
    take(id: RpcId, method: string, params: unknown): void {
      const ask = READERS[method]?.(String(id), params, changesOf);
      if (ask) table.take(id, ask);
      else void rpc.refuse(id, method).catch(() => undefined);
    },
    /** Closes the questions of a request that is over: answered elsewhere, or its turn stopped. */
    resolved: table.close,
    answer: table.answer,
  };
}
export type Asks = ReturnType<typeof createAsks>;

type Reader = (requestId: string, params: unknown, changesOf: AsksOptions["changesOf"]) => Ask | undefined;

const READERS: Record<string, Reader> = {
  "item/commandExecution/requestApproval": (requestId, params) => {
    const { data } = CommandAsk.safeParse(params);
    return data && commandAsk(requestId, data);
  },
  "item/fileChange/requestApproval": (requestId, params, changesOf) => {
    const { data } = ChangeAsk.safeParse(params);
    return data && changeAsk(requestId, data, changesOf(data.itemId));
  },
  "item/permissions/requestApproval": (requestId, params) => {
    const { data } = PermissionsAsk.safeParse(params);
    return data && permissionsAsk(requestId, data);
  },
  "item/tool/requestUserInput": (requestId, params) => {
    const { data } = InputAsk.safeParse(params);
    return data && inputAsk(requestId, data);
  },
  "mcpServer/elicitation/request": (requestId, params) => {
    const { data } = ElicitationAsk.safeParse(params);
    return data && elicitationAsk(requestId, data);
  },
};

const decisionOf = ({ decision, scope }: PermissionAnswer, session: boolean): object => ({
  decision: decision === "deny" ? "decline" : scope === "session" && session ? "acceptForSession" : "accept",
});

function commandAsk(requestId: string, ask: CommandAsk): Ask {
  const { command, cwd, reason, networkApprovalContext: network, additionalPermissions, availableDecisions } = ask;
  const offers = {
    once: availableDecisions?.includes("accept") ?? true,
    session: availableDecisions?.includes("acceptForSession") ?? false,
  };
  const line = shellLine(command ?? "");
  const run = spelledOut({ type: "command", line, cwd: cwd ?? "", envNames: [] });
  const { subject, isExact } = network
    ? spelledOut({ type: "fetch", url: `${network.protocol}://${network.host}` })
    : run;
  const request: PermissionRequest = {
    requestId,
    subject,
    title: titleOf(`${network ? `Reach ${visible(network.host)}` : "Run a command"}${reason ? `: ${reason}` : ""}`),
    exact: canonical({ kind: ask.kind, command, cwd, network, additionalPermissions }),
    offers,
    // A line that shows other characters than those that run is no matter for one tap.
    oneTap: !additionalPermissions && isExact && run.isExact,
  };
  const resultOf = (_: string, answer: PermissionAnswer) => decisionOf(answer, offers.session);
  return { requests: [request], resultOf, denial: { decision: "decline" } };
}

function changeAsk(requestId: string, { reason, grantRoot }: ChangeAsk, changes: readonly Change[]): Ask {
  const paths = changes.flatMap(({ path, kind }) => (kind.move_path ? [path, kind.move_path] : [path]));
  const edit = editOf(paths.length > 0 ? paths : [grantRoot ?? ""], patchOf(changes));
  const { subject, isExact } = spelledOut(edit.subject);
  const request: PermissionRequest = {
    requestId,
    subject,
    title: titleOf(
      [`Edit ${visible(paths.join(", ")) || "files"}`, grantRoot && `and write below ${visible(grantRoot)}`, reason]
        .filter(Boolean)
        .join(": "),
    ),
    exact: canonical({ changes, grantRoot }),
    offers: { once: true, session: true },
    // Without the changes nobody can judge them.
    oneTap: changes.length > 0 && !grantRoot && edit.isWhole && isExact,
  };
  const resultOf = (_: string, answer: PermissionAnswer) => decisionOf(answer, true);
  return { requests: [request], resultOf, denial: { decision: "decline" } };
}

function permissionsAsk(requestId: string, { permissions, reason, cwd }: PermissionsAsk): Ask {
  const denial = { permissions: {}, scope: "turn" };
  const given = Object.fromEntries(Object.entries(permissions).filter(([, value]) => value !== null));
  const request: PermissionRequest = {
    requestId,
    subject: { type: "tool", server: "codex", name: "permissions", input: given },
    title: titleOf(`Give more permissions${reason ? `: ${reason}` : ""}`),
    ...{ exact: canonical({ permissions, cwd }), offers: { once: true, session: true }, oneTap: false },
  };
  const resultOf = (_: string, { decision, scope }: PermissionAnswer) =>
    decision === "deny" ? denial : { permissions: given, scope: scope === "session" ? "session" : "turn" };
  return { requests: [request], resultOf, denial };
}

function inputAsk(requestId: string, { questions }: InputAsk): Ask {
  const denial = { answers: {} };
  // An answer with a secret in it would stay in the relay.
  if (questions.some(({ isSecret }) => isSecret)) return { requests: [], resultOf: () => denial, denial };
  const round = createRound({
    ...{ requestId, title: questions[0]?.header || "Question", exact: canonical(questions) },
    questions: questions.map(({ id, question, options }): Question => {
      const offered = choices((options ?? []).map(({ label }) => ({ value: label, label })));
      const about = (options ?? []).filter(({ description }) => description !== "");
      return {
        ...{ key: id, isRequired: false, options: offered },
        text: [question, ...about.map(({ label, description }) => `${label}: ${description}`)].join("\n"),
        valueOf: (answer) => ({ answers: [chosen(offered, answer)?.value ?? answer] }),
      };
    }),
  });
  return formAsk(round, denial, (answers) => ({ answers }));
}

function elicitationAsk(requestId: string, ask: ElicitationAsk): Ask {
  const denial = { action: "decline", content: null, _meta: null };
  const accepted = (content: object | null, meta: object | null = null) => ({ action: "accept", content, _meta: meta });
  const { serverName, message, requestedSchema, mode, url, _meta: meta } = ask;
  if (meta?.codex_approval_kind === "mcp_tool_call") {
    const session = meta.persist?.includes("session") ?? false;
    const input = meta.tool_params ?? {};
    const { subject, isExact } = spelledOut({ type: "tool", server: serverName, name: meta.tool_name ?? "", input });
    const request: PermissionRequest = {
      requestId,
      subject,
      title: titleOf(message),
      exact: canonical({ server: serverName, tool: meta.tool_name, input }),
      ...{ offers: { once: true, session }, oneTap: isExact },
    };
    const resultOf = (_: string, { decision, scope }: PermissionAnswer) => {
      if (decision === "deny") return denial;
      return accepted(null, session && scope === "session" ? { persist: "session" } : null);
    };
    return { requests: [request], resultOf, denial };
  }
  const isForm = mode === "form" || mode.startsWith("openai/form") || mode === "openaiForm";
  if (!isForm && !url) return { requests: [], resultOf: () => denial, denial };
  const questions = isForm ? questionsOf(message, requestedSchema) : [acceptance(`${message}\n\n${url}`)];
  const isEmpty = questions.length === 1 && questions[0]?.key === "accepted";
  const round = createRound({
    ...{ requestId, title: `${serverName} asks`, exact: canonical({ serverName, message, requestedSchema, url }) },
    questions,
  });
  return formAsk(round, denial, (values) => accepted(isEmpty ? (isForm ? {} : null) : values));
}
