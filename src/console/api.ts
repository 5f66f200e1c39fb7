import { agentVerbs } from "../client/agents.ts";
import { announcementVerbs } from "../client/announcements.ts";
import { approvalVerbs } from "../client/approvals.ts";
import { attentionVerbs } from "../client/attention.ts";
import { bulkVerbs } from "../client/bulk.ts";
import { createCaller } from "../client/caller.ts";
import { channelVerbs } from "../client/channels.ts";
import { claimVerbs } from "../client/claims.ts";
import { delegationVerbs } from "../client/delegations.ts";
import { fileVerbs } from "../client/files.ts";
import { holdVerbs } from "../client/holds.ts";
import { inboxVerbs } from "../client/inbox.ts";
import { integrationVerbs } from "../client/integrations.ts";
import { jobVerbs } from "../client/jobs.ts";
import { limitVerbs } from "../client/limits.ts";
import { loopVerbs } from "../client/loops.ts";
import { messageVerbs } from "../client/messages.ts";
import { modelVerbs } from "../client/models.ts";
import { orchestratorVerbs } from "../client/orchestrators.ts";
import { peopleVerbs } from "../client/people.ts";
import { profileVerbs } from "../client/profiles.ts";
import { projectVerbs } from "../client/projects.ts";
import { pushVerbs } from "../client/push.ts";
import { relayVerbs } from "../client/relay.ts";
import { runVerbs } from "../client/run-verbs.ts";
import { scheduleVerbs } from "../client/schedules.ts";
import { sessionVerbs } from "../client/sessions.ts";
import { signInVerbs } from "../client/sign-in.ts";
import { statsVerbs } from "../client/stats.ts";
import { taskVerbs } from "../client/tasks.ts";
import { threadVerbs } from "../client/threads.ts";
import { systemTiming as timing } from "../client/timing.ts";
import { tokenVerbs } from "../client/tokens.ts";
import { traceVerbs } from "../client/traces.ts";
import { createTransport } from "../client/transport.ts";
import { viewVerbs } from "../client/views.ts";
import { webhookVerbs } from "../client/webhooks.ts";

/** The cookie says who calls. The header shows that a page of the relay does: other pages cannot send it. */
const asConsole = (url: string, init: RequestInit = {}): Promise<Response> =>
  fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), "signalbox-console": "1" } });

export const caller = createCaller(createTransport({ url: location.origin, fetch: asConsole, timing }), { timing });

/** Verbs of the relay. Those that only programs use are left out: following an inbox, working, serving runs. */
export const api = {
  agents: agentVerbs(caller),
  announcements: announcementVerbs(caller),
  approvals: approvalVerbs(caller),
  attention: attentionVerbs(caller),
  bulk: bulkVerbs(caller),
  channels: channelVerbs(caller),
  claims: claimVerbs(caller),
  delegations: delegationVerbs(caller),
  files: fileVerbs(caller),
  holds: holdVerbs(caller),
  inbox: inboxVerbs(caller),
  integrations: integrationVerbs(caller),
  jobs: jobVerbs(caller),
  limits: limitVerbs(caller),
  loops: loopVerbs(caller),
  messages: messageVerbs(caller),
  models: modelVerbs(caller),
  orchestrators: orchestratorVerbs(caller),
  people: peopleVerbs(caller),
  profiles: profileVerbs(caller),
  projects: projectVerbs(caller),
  push: pushVerbs(caller),
  runs: runVerbs(caller),
  schedules: scheduleVerbs(caller),
  sessions: sessionVerbs(caller),
  signIn: signInVerbs(caller),
  stats: statsVerbs(caller),
  tasks: taskVerbs(caller),
  threads: threadVerbs(caller),
  tokens: tokenVerbs(caller),
  traces: traceVerbs(caller),
  views: viewVerbs(caller),
  webhooks: webhookVerbs(caller),
  ...relayVerbs(caller),
};
