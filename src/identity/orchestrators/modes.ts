import type { ApprovalMode } from "../../protocol/orchestrators.ts";
import { Problem } from "../../protocol/problem.ts";
import { versionFlaw } from "../../protocol/versions.ts";
import { VERSION } from "../../version.ts";
import type { Caller } from "../auth/caller.ts";
import type { OrchestratorRow } from "./store.ts";

/** From the most to the least strict. */
const STRICTNESS: readonly ApprovalMode[] = ["closed", "ask", "open"];

/** Mode that holds: the stricter of the daemon's and the operator's; ask when neither said one. */
export const modeOf = ({ daemonMode, operatorMode }: Pick<OrchestratorRow, "daemonMode" | "operatorMode">) =>
  STRICTNESS.find((mode) => mode === daemonMode || mode === operatorMode) ?? "ask";

/** Columns of a mode that a caller said: the daemon's by its own token, the operator's by any other. */
export function saidMode(
  caller: Caller,
  said: ApprovalMode | undefined,
): Partial<Pick<OrchestratorRow, "daemonMode" | "operatorMode">> {
  if (said === undefined) return {};
  return caller.role === "orchestrator" ? { daemonMode: said } : { operatorMode: said };
}

/** @throws Problem 409 version-mismatch for a daemon of a version that does not go with this relay */
export function requireVersion(daemon: string | undefined): void {
  const flaw = daemon === undefined ? undefined : versionFlaw(daemon, VERSION);
  if (flaw !== undefined) throw new Problem("version-mismatch", flaw);
}
