import { z } from "zod";

// Questions of `codex app-server`, as of 0.171.0.

const text = z.string();
const Line = text.nullish();

export const CommandAsk = z.object({
  kind: text.catch("command"),
  reason: Line,
  command: Line,
  cwd: Line,
  networkApprovalContext: z.object({ host: text, protocol: text.catch("https") }).nullish(),
  additionalPermissions: z.unknown().optional(),
  availableDecisions: z.array(z.unknown()).nullish(),
});
export type CommandAsk = z.infer<typeof CommandAsk>;

export const ChangeAsk = z.object({ itemId: text, reason: Line, grantRoot: Line });
export type ChangeAsk = z.infer<typeof ChangeAsk>;

export const PermissionsAsk = z.object({
  cwd: Line,
  reason: Line,
  permissions: z.record(z.string(), z.unknown()),
});
export type PermissionsAsk = z.infer<typeof PermissionsAsk>;

export const InputAsk = z.object({
  questions: z
    .array(
      z.object({
        id: text,
        header: text.catch(""),
        question: text,
        isSecret: z.boolean().catch(false),
        options: z.array(z.object({ label: text, description: text.catch("") })).nullish(),
      }),
    )
    .min(1),
});
export type InputAsk = z.infer<typeof InputAsk>;

/** A tool of an MCP server, or a form or a page of its own. */
export const ElicitationAsk = z.object({
  serverName: text,
  mode: text,
  message: text.catch(""),
  requestedSchema: z.unknown().optional(),
  url: text.optional(),
  _meta: z
    .object({
      codex_approval_kind: text.optional(),
      persist: z.array(text).optional().catch(undefined),
      tool_name: text.optional(),
      tool_params: z.record(z.string(), z.unknown()).optional().catch(undefined),
    })
    .nullish()
    .catch(null),
});
export type ElicitationAsk = z.infer<typeof ElicitationAsk>;
