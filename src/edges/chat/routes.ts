import type { Areas } from "../../core/core.ts";
import type { Approvals } from "../../features/approvals/approvals.ts";
import type { Runs } from "../../features/runs/runs.ts";
import { uiForm } from "../../features/runs/ui-stream.ts";
import { noContent, type Route, route, still } from "../../identity/auth/route.ts";
import * as api from "../../protocol/chat.ts";
import { agUiForm } from "./agui-form.ts";
import { createChats } from "./chats.ts";
import { createResuming } from "./resuming.ts";
import { sayingIn, sayingOf } from "./saying.ts";

/** Chats with agents, in the forms of the AI SDK and of AG-UI. */
export function chatRoutes(areas: Areas & { runs: Runs; approvals: Approvals }): Route[] {
  const { read, write } = areas.kernel.db;
  const { parts } = areas.runs;
  const chats = createChats(areas);
  const resuming = createResuming(areas, chats);
  return [
    route(api.chat, async (call) => {
      const { caller, params, body } = call;
      const chat = { agentId: params.agentId, chatId: body.id };
      const saying = sayingOf(body);
      const say = body.trigger === "regenerate-message" ? chats.sayAgain : chats.say;
      const { runId, turnId } = await write((tx) => still(tx, call, () => say(tx, caller, chat, saying)));
      return (await parts.followTurn(call, runId, { turn: turnId }, uiForm())) ?? noContent;
    }),
    route(api.resumeChat, async (call) => {
      const run = await read((on) => chats.find(on, call.caller, call.params));
      return (run && (await parts.followTurn(call, run.id, { live: true }, uiForm()))) ?? noContent;
    }),
    route(api.agui, async (call) => {
      const { caller, params, body } = call;
      const { threadId, runId } = body;
      const chat = { agentId: params.agentId, chatId: threadId };
      const { resume } = body;
      const saying = resume?.length ? undefined : sayingIn(body);
      const heard = await write((tx) =>
        still(tx, call, () =>
          saying ? chats.say(tx, caller, chat, saying) : resuming.resume(tx, caller, chat, resume ?? []),
        ),
      );
      const form = agUiForm({ threadId, runId }, await read((on) => resuming.interruptsOf(on, heard.runId, resume)));
      return (await parts.followTurn(call, heard.runId, { turn: heard.turnId }, form)) ?? noContent;
    }),
  ];
}
