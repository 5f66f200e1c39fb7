export type AgUiEvent = { type: string; [member: string]: unknown };
type Kind = "text" | "reasoning";

/** Messages of AG-UI that are open: each is closed before the stream ends, and opened anew in the stream that goes on. */
export function createBlocks(streamId: string) {
  /** Open blocks by the id of their part. */
  const open = new Map<string, { kind: Kind; id: string }>();

  return {
    start(kind: Kind, id: string): AgUiEvent[] {
      open.set(id, { kind, id });
      return opening(kind, id);
    },
    /** A piece of a block, which an earlier stream may have opened. */
    delta(kind: Kind, id: string, delta: unknown): AgUiEvent[] {
      const known = open.get(id);
      const block = known ?? { kind, id: `${id}:${streamId}` };
      open.set(id, block);
      const type = kind === "text" ? "TEXT_MESSAGE_CONTENT" : "REASONING_MESSAGE_CONTENT";
      return [...(known ? [] : opening(kind, block.id)), { type, messageId: block.id, delta }];
    },
    end(id: string): AgUiEvent[] {
      const block = open.get(id);
      open.delete(id);
      return block ? closing(block.kind, block.id) : [];
    },
    endAll(): AgUiEvent[] {
      const events = [...open.values()].flatMap(({ kind, id }) => closing(kind, id));
      open.clear();
      return events;
    },
  };
}

function opening(kind: Kind, messageId: string): AgUiEvent[] {
  if (kind === "text") return [{ type: "TEXT_MESSAGE_START", messageId, role: "assistant" }];
  return [
    { type: "REASONING_START", messageId },
    { type: "REASONING_MESSAGE_START", messageId, role: "reasoning" },
  ];
}

function closing(kind: Kind, messageId: string): AgUiEvent[] {
  if (kind === "text") return [{ type: "TEXT_MESSAGE_END", messageId }];
  return [
    { type: "REASONING_MESSAGE_END", messageId },
    { type: "REASONING_END", messageId },
  ];
}
