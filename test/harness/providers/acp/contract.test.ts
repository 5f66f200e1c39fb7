import { describe } from "bun:test";
import { fakeAcp } from "../../../support/providers/acp.ts";
import { LINES, providerContract } from "../../../support/providers/contract.ts";
import { openTask } from "../../../support/providers/session.ts";

describe.skipIf(process.platform !== "linux")("Agents of the Agent Client Protocol, as stand-ins play them", () => {
  const more = {
    full: { resume: true, fork: true, ephemeralFork: true, steer: true, usage: true },
    load: { resume: true },
  };
  for (const [variant, abilities] of Object.entries(more))
    providerContract(`acp, ${variant}`, { ...fakeAcp(variant, openTask()).capabilities, ...abilities }, async () => {
      const { environment } = openTask();
      return { provider: fakeAcp(variant, { environment }), environment, words: LINES, allow: [] };
    });
});
