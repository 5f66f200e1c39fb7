import type { ApprovalPart } from "../../protocol/approvals.ts";

/** An approval that waits, as an interrupt of AG-UI: its schema says how `resume` answers it. */
export function interruptOf(approval: ApprovalPart) {
  const { id, kind, title, hash, options, expiresAt } = approval;
  return {
    ...{ id, reason: kind, message: title, expiresAt },
    responseSchema: {
      type: "object",
      properties: {
        option: { type: "string", oneOf: options.map((option) => ({ const: option.id, title: option.label })) },
        text: { type: "string" },
        hash: { type: "string", const: hash },
      },
      required: ["option", "hash"],
      additionalProperties: false,
    },
    metadata: { approval },
  };
}
