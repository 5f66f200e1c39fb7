import type { SessionEvent } from "../provider.ts";
import { kindOf, sentenceOf, statusOf } from "./failures.ts";
import type { Items } from "./items.ts";
import type { AccountsOf } from "./limits.ts";
import { Delta, Notification } from "./messages.ts";
import type { Turns } from "./turns.ts";

interface Parts {
  emit(event: SessionEvent): void;
  threadId: string;
  items: Items;
  turns: Turns;
  accounts: AccountsOf;
  /** Called when a question is over. */
  resolved(requestId: string | number): void;
}

type Method = Notification["method"];
type Handlers = { [M in Method]: (params: Extract<Notification, { method: M }>["params"]) => void };

/** Methods whose messages are read. */
const READ = new Set<string>([
  ...Notification.options.map(({ shape }) => shape.method.value),
  ...Delta.options.map(({ shape }) => shape.method.value),
]);
/** Methods that count from every thread, those of sub-agents among them. */
const OF_ALL = new Set<Method>(["thread/tokenUsage/updated", "serverRequest/resolved"]);

/** Takes the notifications of Codex. */
export function createNotifications(parts: Parts) {
  const { emit, threadId, items } = parts;
  const handlers = handlersOf(parts);
  return (method: string, value: Record<string, unknown>): void => {
    if (!READ.has(method)) return;
    const delta = Delta.safeParse(value).data;
    const message = Notification.safeParse(value).data;
    if (delta?.params.threadId === threadId) items.delta(delta.method, delta.params.itemId, delta.params.delta);
    else if (message) {
      const { method: name, params } = message;
      const isOurs = OF_ALL.has(name) || !("threadId" in params) || params.threadId === threadId;
      if (isOurs) (handlers[name] as (of: typeof params) => void)(params);
    } else if (!delta) emit({ type: "noise", text: `Codex sent ${method} in a shape that is not known.` });
  };
}

function handlersOf({ emit, threadId, items, turns, accounts, resolved }: Parts): Handlers {
  const become = createState(emit);
  let retries = 0;
  return {
    // Codex says `idle` before the end of the turn; ours follows its result.
    "thread/status/changed": ({ status: { type, activeFlags } }) => {
      const isAsking = activeFlags.some((flag) => flag.startsWith("waitingOn"));
      if (type === "active") become(isAsking ? "asking" : "working");
      else if (!turns.isRunning()) become("idle");
    },
    "turn/started": ({ turn }) => {
      retries = 0;
      turns.started(turn);
      become("working");
    },
    "turn/completed": ({ turn }) => {
      turns.completed(turn);
      become(turns.isRunning() ? "working" : "idle");
    },
    "turn/plan/updated": ({ plan }) => emit({ type: "status", text: planOf(plan) }),
    "item/started": ({ item }) => {
      const told = items.started(item);
      if (told?.type === "userMessage" && told.clientId) turns.received(told.clientId);
    },
    "item/completed": ({ item }) => void items.completed(item),
    "item/fileChange/patchUpdated": ({ itemId, changes }) => items.patch(itemId, changes),
    "item/mcpToolCall/progress": ({ itemId, message }) => items.progress(itemId, message),
    error: ({ error, willRetry }) => {
      retries += 1;
      const text = `${sentenceOf(error)} [${kindOf(error)}]`;
      if (willRetry) emit({ type: "retry", attempt: retries, inMs: 0, status: statusOf(error), error: text });
      else turns.failing(error);
    },
    "thread/tokenUsage/updated": ({ threadId: of, turnId, tokenUsage }) => {
      // Codex says the sums of earlier turns when it has resumed a thread.
      const isPast = of === threadId && turnId !== turns.runningId();
      if (isPast && !accounts.hasBegun(of)) accounts.begin(of, tokenUsage.total);
      else accounts.use(of, tokenUsage);
    },
    "account/rateLimits/updated": ({ rateLimits }) => accounts.limits(rateLimits),
    "serverRequest/resolved": ({ requestId }) => resolved(requestId),
    "mcpServer/startupStatus/updated": ({ name, status, error }) => {
      if (status === "failed")
        emit({ type: "status", text: `The MCP server ${name} did not start: ${error ?? "no reason"}` });
    },
    warning: ({ message }) => emit({ type: "status", text: message }),
    configWarning: ({ summary }) => emit({ type: "noise", text: summary }),
    deprecationNotice: ({ summary }) => emit({ type: "noise", text: summary }),
  };
}

type State = Extract<SessionEvent, { type: "state" }>["state"];

/** Tells the state of a session when it changes. */
function createState(emit: Parts["emit"]): (next: State) => void {
  let state: State = "idle";
  return (next) => {
    if (next === state) return;
    state = next;
    emit({ type: "state", state });
  };
}

function planOf(plan: readonly { step: string; status: string }[]): string {
  const done = plan.filter(({ status }) => status === "completed").length;
  const now = plan.find(({ status }) => status === "inProgress") ?? plan.find(({ status }) => status === "pending");
  return `Plan, ${done} of ${plan.length}${now ? `: ${now.step}` : ""}`;
}
