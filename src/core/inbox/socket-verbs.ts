import type { Caller } from "../../identity/auth/caller.ts";
import { check } from "../../kernel/http/body.ts";
import { AgentStatus } from "../../protocol/agents.ts";
import type { ParsedDraft } from "../../protocol/messages.ts";
import { Problem } from "../../protocol/problem.ts";
import type { SocketRequest } from "../../protocol/sockets.ts";
import type { Areas } from "../core.ts";
import { itemJson, sentJson } from "../messages/answers.ts";
import type { Sent } from "../messages/draft.ts";
import type { WorkItem } from "../work/items.ts";

/** The answer to one frame. */
interface Reply {
  /** `result` is JSON. */
  ok(result: string): void;
  refuse(error: unknown): void;
  /** Called once the answers of a write are there: further frames may be read. */
  pump(): void;
}

/** A frame `send` whose write has not begun. */
interface Unsent extends Reply {
  draft: ParsedDraft;
}

/** Carries out the verb of each frame of one socket; answers are the same JSON as over HTTP. */
export function createSocketVerbs(areas: Areas, agentId: string, withParents: boolean) {
  const sends = createSends(areas, agentId);
  const run = createVerbs(areas, agentId, withParents);
  return (caller: Caller, frame: SocketRequest, reply: Reply): void => {
    if (frame.type === "send") {
      sends.add(caller, frame.message, reply);
      return;
    }
    // Writes run in the order of the frames.
    sends.close();
    run(caller, frame).then(reply.ok, reply.refuse).then(reply.pump);
  };
}

/** Sends that follow each other before their write begins share it, each stored or refused by itself. */
function createSends({ kernel, core }: Areas, agentId: string) {
  const { db } = kernel;
  const { messages } = core;
  let open: Unsent[] | undefined;

  function begin(caller: Caller, unsent: Unsent[]): void {
    const outcomes = db.write((tx) => {
      close(unsent);
      return messages.sendEach(
        tx,
        caller,
        unsent.map(({ draft }) => withFrom(draft, caller, agentId)),
      );
    });
    outcomes
      .then(
        (all) => all.forEach((outcome, n) => void answer(unsent[n], outcome)),
        (error) => unsent.forEach(({ refuse }) => void refuse(error)),
      )
      .then(() => {
        // A write that is refused never began.
        close(unsent);
        unsent[0]?.pump();
      });
  }

  function answer(to: Unsent | undefined, outcome: Sent | Problem): void {
    if (outcome instanceof Problem) to?.refuse(outcome);
    else to?.ok(sentJson(outcome, true));
  }

  function close(unsent = open): void {
    if (open === unsent) open = undefined;
  }

  return {
    add(caller: Caller, draft: ParsedDraft, reply: Reply): void {
      const unsent = { draft, ...reply };
      if (open) open.push(unsent);
      else {
        open = [unsent];
        begin(caller, open);
      }
    },
    /** The next send goes into a write of its own, after those queued by then. */
    close: () => close(),
  };
}

function createVerbs({ kernel, identity, core }: Areas, agentId: string, withParents: boolean) {
  const { db } = kernel;
  const { agents } = identity;
  const { parents } = core.messages;
  const { claims, holders } = core.work;
  const { inbox } = core.inbox;
  return (caller: Caller, frame: Exclude<SocketRequest, { type: "send" }>): Promise<string> => {
    const including = (items: readonly WorkItem[]): Promise<readonly WorkItem[]> | readonly WorkItem[] =>
      withParents ? db.read((on) => parents.ofWork(on, caller, agentId, items)) : items;
    switch (frame.type) {
      case "ack":
        return db.write((tx) => inbox.ack(tx, caller, agentId, frame.upTo)).then((acked) => JSON.stringify(acked));
      case "claim": {
        const { messageId, leaseSeconds } = frame;
        if (messageId !== undefined)
          return db
            .write((tx) => claims.claim(tx, caller, messageId, agentId, leaseSeconds))
            .then(async (held) => itemJson((await including([held]))[0] ?? held));
        return db
          .write((tx) => claims.claimNext(tx, caller, agentId, frame))
          .then(async (items) => `{"items":[${(await including(items)).map(itemJson).join(",")}]}`);
      }
      case "renew":
        return db.write((tx) => holders.renew(tx, caller, frame.messageId, frame)).then(itemJson);
      case "release":
        return db.write((tx) => holders.release(tx, caller, frame.messageId, frame)).then(itemJson);
      case "fail":
        return db.write((tx) => holders.fail(tx, caller, frame.messageId, frame)).then(itemJson);
      case "complete":
        return db.write((tx) => holders.complete(tx, caller, frame.messageId, frame)).then(itemJson);
      case "heartbeat": {
        const { ready } = frame;
        const status = frame.status === undefined ? undefined : (check(AgentStatus, frame.status, "") as AgentStatus);
        return db
          .write((tx) => agents.heartbeat(tx, caller, agentId, { status, ready }))
          .then((agent) => JSON.stringify(agent));
      }
    }
  };
}

/** An operator's socket speaks for the agent it is opened on. */
const withFrom = <T extends { from?: string | undefined }>(draft: T, caller: Caller, agentId: string): T =>
  draft.from === undefined && caller.role === "operator" ? { ...draft, from: agentId } : draft;
