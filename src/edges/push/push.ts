import type { Areas } from "../../core/core.ts";
import type { Approvals } from "../../features/approvals/approvals.ts";
import type { Runs } from "../../features/runs/runs.ts";
import { lateRoutes } from "../../identity/auth/late-routes.ts";
import { createSeal } from "../../kernel/seal.ts";
import type { Announcements } from "../announcements/announcements.ts";
import type { Watch } from "../watch/watch.ts";
import { createPushDeliverer } from "./deliver.ts";
import { createNotes } from "./notes.ts";
import { createPushService } from "./service.ts";
import { createPushStore } from "./store.ts";
import { createSubjects } from "./subjects.ts";
import { keyPairOf } from "./vapid.ts";

export type Push = ReturnType<typeof createPush>;

interface Options {
  /** URL or `mailto:` by which a push service finds the relay's operator. */
  subject: string | undefined;
  publicUrl: string | undefined;
}

/** Web push to browsers of people (RFC 8030, 8291, 8292). */
export function createPush(
  areas: Areas & { approvals: Approvals; announcements: Announcements; runs: Runs; watch: Watch },
  { subject, publicUrl }: Options,
) {
  const { db, key } = areas.kernel;
  const store = createPushStore(db);
  const seal = createSeal(key, "push");
  const keyPair = keyPairOf(key);
  const notes = createNotes(areas, store);
  const service = createPushService(areas, { store, seal });
  const deliverer = createPushDeliverer(areas, {
    ...{ store, seal, keyPair, subjects: createSubjects(areas) },
    lookedAtUntil: areas.watch.presence.lookedAtUntil,
    subject: subject ?? (publicUrl?.startsWith("https:") ? publicUrl : NOBODY),
  });
  const publicKey = async () => (await keyPair()).publicKey;

  return {
    created: notes.created,
    announced: notes.announced,
    runEnded: notes.runEnded,
    ask: notes.ask,
    askDesk: notes.askDesk,
    say: notes.say,
    reaches: notes.reaches,
    reachesDesk: notes.reachesDesk,
    dropToken: service.dropToken,
    resume: service.resume,
    sweeps: service.sweeps,
    dueOutside: deliverer.dueOutside,
    routes: lateRoutes(["/v1/push"], async () => (await import("./routes.ts")).pushRoutes(db, service, publicKey)),
  };
}

/** Subject of a relay that names none: push services ask for some. */
const NOBODY = "mailto:operator@signalbox.example";
