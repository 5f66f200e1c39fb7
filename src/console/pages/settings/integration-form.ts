import type { Integration, IntegrationDraft } from "../../../protocol/integrations.ts";

/** The integration again, as it is; a PUT is the whole of it. */
export const draftOf = ({ target, topic, severity, mapping, paths, verify }: Integration): IntegrationDraft => ({
  ...(target !== null && { target }),
  ...(topic !== null && { topic }),
  ...(severity !== null && { severity }),
  ...(paths !== null && { paths }),
  mapping,
  verify,
});
