import type { ReadTx } from "../../kernel/db/database.ts";
import type { ParsedEvent } from "../../protocol/channels.ts";
import { asideOf, type ChatLine, chatLineOf } from "./chat-line.ts";
import type { Place } from "./place.ts";
import { COMMAND_BUTTON } from "./press.ts";
import type { Destination, Routing } from "./routing.ts";
import type { Stores } from "./stores.ts";

/** The part of an event that commands are read from. */
type Written = Pick<ParsedEvent, "text"> & {
  button?: { id: string } | null | undefined;
  sender: { isBot?: boolean | undefined };
};

/** Meaning of an event in a chat. */
export type Meaning =
  /** The relay itself carries it out. */
  | { kind: "order"; line?: ChatLine; buttonId?: string }
  /** An agent gets it. */
  | { kind: "turn"; body?: string; payload: TurnPayload; to?: Destination };

/** Members of an event's payload that say how an agent's turn is to run. */
export interface TurnPayload {
  /** Model that the people of this chat chose. */
  model?: string;
  /** Beside the main session. */
  background?: true;
}

export type Turns = ReturnType<typeof createTurns>;

/** Reads commands and mentions in what people write in chats. */
export function createTurns({ chats }: Stores, routing: Routing) {
  const payloadAt = async (on: ReadTx, place: Place): Promise<TurnPayload> => {
    const model = await chats.model(on, place);
    return model === undefined ? {} : { model };
  };

  /** The turn of another agent, where the binding names it. */
  async function aside(on: ReadTx, place: Place, text: string): Promise<Meaning | undefined> {
    const said = asideOf(text);
    const to = said && (await routing.other(on, place, said.name));
    return to && { kind: "turn", body: said.text, payload: {}, to };
  }

  return {
    async read(on: ReadTx, place: Place, { button, sender, text }: Written): Promise<Meaning> {
      if (button?.id.startsWith(COMMAND_BUTTON) && !sender.isBot) return { kind: "order", buttonId: button.id };
      const payload = await payloadAt(on, place);
      if (button || sender.isBot || !text) return { kind: "turn", payload };
      const line = chatLineOf(text);
      if (!line) return (text.startsWith("@") && (await aside(on, place, text))) || { kind: "turn", payload };
      const named = line.verb === "ask" ? await aside(on, place, line.rest) : undefined;
      if (named) return named;
      if (line.verb !== "bg" || line.rest === "") return { kind: "order", line };
      return { kind: "turn", body: line.rest, payload: { ...payload, background: true } };
    },
  };
}
