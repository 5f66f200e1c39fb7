import type { WebClient } from "@slack/web-api";
import { z } from "zod";
import type { Edits } from "../edits.ts";
import { externalIdOf } from "./text.ts";

/** Message of a pressed button, as Slack sends it back. */
const Pressed = z.looseObject({
  type: z.literal("block_actions"),
  channel: z.looseObject({ id: z.string() }),
  message: z.looseObject({ ts: z.string(), text: z.string().optional(), blocks: z.array(z.looseObject({})) }),
  actions: z.array(z.looseObject({ block_id: z.string().optional(), action_id: z.string() })),
});
const Actions = z.looseObject({
  type: z.literal("actions"),
  block_id: z.string().optional(),
  elements: z.array(z.looseObject({ action_id: z.string().optional() })),
});
const Label = z.looseObject({ text: z.looseObject({ text: z.string() }) });

/** Mark before the label of a pressed button. */
const MARK = "✓ ";
const LABEL_LENGTH = 75;

/** Label of the button before it was marked. */
export const unmarked = (label: string): string => label.replace(MARK, "");

/** Marks the pressed button in its message. A failure is ignored. */
export async function showPressed(web: WebClient, edits: Edits, body: unknown): Promise<void> {
  const parsed = Pressed.safeParse(body);
  if (!parsed.success) return;
  const { channel, message, actions } = parsed.data;
  const isPressed = ({ blockId, actionId }: { blockId: string | undefined; actionId: string | undefined }) =>
    actions.some((one) => one.action_id === actionId && (one.block_id === undefined || one.block_id === blockId));
  let isChanged = false;
  const blocks = message.blocks.map((block) => {
    const row = Actions.safeParse(block).data;
    if (!row) return block;
    const elements = row.elements.map((element) => {
      const label = isPressed({ blockId: row.block_id, actionId: element.action_id })
        ? Label.safeParse(element).data?.text
        : undefined;
      if (!label || label.text.startsWith(MARK)) return element;
      isChanged = true;
      return { ...element, text: { ...label, text: (MARK + label.text).slice(0, LABEL_LENGTH) } };
    });
    return { ...row, elements };
  });
  if (!isChanged) return;
  const text = message.text ?? "";
  await edits.mark(externalIdOf(channel.id, message.ts), () =>
    web.chat.update({ channel: channel.id, ts: message.ts, text, blocks } as Update),
  );
}

type Update = Parameters<WebClient["chat"]["update"]>[0];
