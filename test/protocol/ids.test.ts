import { expect, test } from "bun:test";
import type { MessageRow } from "../../src/core/messages/row.ts";
import type { TokenRow } from "../../src/identity/auth/store.ts";
import type { AgentId, InstanceId, MessageId, Target, TokenId } from "../../src/protocol/ids.ts";

const [toAgent, toInstance, toTarget] = [(_: AgentId) => 1, (_: InstanceId) => 1, (_: Target) => 1];
const [toToken, toMessage] = [(_: TokenId) => 1, (_: MessageId) => 1];

/** Never called: the compiler alone reads it, and complains where a line below is not refused. */
function refused(agent: AgentId, instance: InstanceId, message: MessageRow, token: TokenRow): void {
  // @ts-expect-error an agent is no instance
  toInstance(agent);
  // @ts-expect-error an instance is no agent
  toAgent(instance);
  // @ts-expect-error a target may be a group
  toAgent(message.target);
  // @ts-expect-error a token is no agent
  toAgent(token.id);
  // @ts-expect-error an agent is no token
  toToken(message.fromId);
  // @ts-expect-error a number is one, a word is none
  toMessage(message.target);
}

test("ids of different kinds are told apart by the compiler; an agent is a target, and a plain text may be either", () => {
  const agent: AgentId = "ann";
  expect([toTarget(agent), toAgent("bob"), toInstance("i-1"), toToken("tok_1"), toMessage(1)]).toEqual([1, 1, 1, 1, 1]);
  expect(refused).toBeFunction();
});
