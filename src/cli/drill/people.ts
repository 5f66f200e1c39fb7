import type { EventAnswer } from "../../protocol/channels.ts";
import type { ClaimedList } from "../../protocol/work.ts";
import type { Drilled, Hand } from "./asking.ts";
import { answersTo, type Question, type Story, step, textOf } from "./story.ts";

const LOOK_MS = 20;

interface Ends {
  /** No more questions. */
  stopped(): boolean;
  done(): boolean;
}

/** A person in a chat: asks a question, waits for the answer, asks the next one. The adapter repeats what was not answered. */
export async function runPerson(
  { ask }: Drilled,
  story: Story,
  { conversationId, adapter }: { conversationId: string; adapter: Hand },
  { stopped, done }: Ends,
): Promise<void> {
  while (!stopped()) {
    const question: Question = { number: story.questions.size, conversationId };
    story.questions.set(question.number, question);
    const event = {
      ...{ conversationId, externalId: `in-${question.number}`, text: textOf(question.number) },
      sender: { id: conversationId, name: "Ada" },
    };
    const asked = ask<EventAnswer>("POST", `/v1/channels/${adapter.id}/events`, event, adapter.token);
    const { messages } = await step(story, `question ${question.number}`, asked);
    question.messageId = messages[0]?.id;
    while (answersTo(story, question).length === 0 && !done()) await Bun.sleep(LOOK_MS);
  }
}

/** The adapter of the chat: posts what it claims, each message once, whatever becomes of the relay meanwhile. */
export async function runAdapter({ ask }: Drilled, story: Story, { id, token }: Hand, done: () => boolean) {
  const claims = `/v1/agents/${id}/claims`;
  while (!done()) {
    // Claims whose answer was lost.
    const held = await ask<ClaimedList>("GET", claims, undefined, token);
    const items = held.body.items.length
      ? held.body.items
      : (await ask<ClaimedList>("POST", claims, { waitSeconds: 1, leaseSeconds: 3600 }, token)).body.items;
    for (const { message, claim } of items) {
      const path = `/v1/messages/${message.id}`;
      await step(story, `note of post ${message.id}`, ask("POST", `${path}/posts`, { token: claim.token }, token));
      const { conversation, text } = message.payload as { conversation: { conversationId: string }; text: string };
      const externalId = `out-${message.id}`;
      story.posts.set(message.id, { conversationId: conversation.conversationId, text, externalId });
      const end = { token: claim.token, externalIds: [externalId] };
      await step(story, `post ${message.id}`, ask("POST", `${path}/complete`, end, token));
    }
  }
}
