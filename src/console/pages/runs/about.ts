import type { Run } from "../../../protocol/runs.ts";
import { visible } from "../../../protocol/visible.ts";
import { webAddress } from "../../ui/web.ts";

/** A run in a few words: its label, else the beginning of its task. */
export const aboutRun = ({ label, task }: Pick<Run, "label" | "task">): string =>
  visible((label ?? task).replace(/\s+/g, " ").slice(0, 120));

/** Web address of the first link of a run that has one. */
export const webOf = ({ links }: Pick<Run, "links">): string | undefined =>
  links.map(({ url }) => webAddress(url)).find((url) => url !== undefined);
