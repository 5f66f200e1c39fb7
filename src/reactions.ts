import type { Core } from "./core/core.ts";
import type { A2A } from "./edges/a2a/a2a.ts";
import type { Announcements } from "./edges/announcements/announcements.ts";
import type { ApprovalCards } from "./edges/approvals/approvals.ts";
import type { Channels } from "./edges/channels/channels.ts";
import type { ChatCommands } from "./edges/chat-commands/chat-commands.ts";
import type { Integrations } from "./edges/integrations/integrations.ts";
import type { Mcp } from "./edges/mcp/mcp.ts";
import type { Pulls } from "./edges/pulls/pulls.ts";
import type { Push } from "./edges/push/push.ts";
import type { Webhooks } from "./edges/webhooks/webhooks.ts";
import type { Approvals } from "./features/approvals/approvals.ts";
import type { Commands } from "./features/commands/commands.ts";
import type { Conflicts } from "./features/conflicts/conflicts.ts";
import type { Delegations } from "./features/delegations/delegations.ts";
import type { Files } from "./features/files/files.ts";
import type { Holds } from "./features/holds/holds.ts";
import type { Jobs } from "./features/jobs/jobs.ts";
import type { Limits } from "./features/limits/limits.ts";
import type { Loops } from "./features/loops/loops.ts";
import type { Models } from "./features/models/models.ts";
import type { Orphans } from "./features/orphans/orphans.ts";
import type { Pairs } from "./features/pairs/pairs.ts";
import type { Runs } from "./features/runs/runs.ts";
import type { Schedules } from "./features/schedules/schedules.ts";
import type { Sessions } from "./features/sessions/sessions.ts";
import type { Tasks } from "./features/tasks/tasks.ts";
import type { Traces } from "./features/traces/traces.ts";
import type { Identity } from "./identity/identity.ts";
import type { Kernel } from "./kernel/kernel.ts";
import type { Metrics } from "./ops/metrics/metrics.ts";
import type { Stats } from "./ops/stats/stats.ts";
import type { Telemetry } from "./ops/telemetry/telemetry.ts";

export interface Relayed {
  kernel: Kernel;
  identity: Identity;
  core: Core;
  loops: Loops;
  traces: Traces;
  tasks: Tasks;
  delegations: Delegations;
  files: Files;
  runs: Runs;
  sessions: Sessions;
  limits: Limits;
  orphans: Orphans;
  conflicts: Conflicts;
  approvals: Approvals;
  commands: Commands;
  holds: Holds;
  cards: ApprovalCards;
  chatCommands: ChatCommands;
  pairs: Pairs;
  schedules: Schedules;
  jobs: Jobs;
  models: Models;
  channels: Channels;
  announcements: Announcements;
  pulls: Pulls;
  push: Push;
  webhooks: Webhooks;
  integrations: Integrations;
  mcp: Mcp;
  a2a: A2A;
  telemetry: Telemetry;
  stats: Stats;
  metrics: Metrics;
}

/** Subscribes every reaction, in the order in which it runs. Nothing subscribes anywhere else. */
export function subscribe(relayed: Relayed): void {
  onTime(relayed);
  onAgents(relayed);
  onTokens(relayed);
  onMessages(relayed);
  onWork(relayed);
  onTrees(relayed);
  onInbox(relayed);
  onRetention(relayed);
  onFeatures(relayed);
  onCommands(relayed);
}

/** After a start, a sleep or a jump of the clock. Leases and presence get their grace before anything is judged by the time. */
function onTime({ kernel, identity, core, delegations, runs, approvals, webhooks, push, schedules }: Relayed): void {
  const { resumed } = kernel.due;
  resumed.inTx(identity.presence.giveGrace, core.work.leases.giveGrace, core.retention.resume);
  resumed.inTx(delegations.giveGrace, runs.giveGrace, approvals.giveGrace, webhooks.resume, push.resume);
  resumed.inTx(schedules.followClock);
}

function onAgents({
  kernel,
  identity,
  core,
  tasks,
  delegations,
  runs,
  approvals,
  sessions,
  webhooks,
  channels,
  announcements,
  pairs,
  schedules,
  jobs,
  models,
  mcp,
  a2a,
}: Relayed): void {
  const { agents, roster, orchestrators, presence } = identity;
  const { connections } = kernel;
  const { waits, rosterText, streams, fleets, watch } = core.inbox;
  agents.registered.inTx(channels.followAgent, channels.wakeForAgent, orchestrators.followAgent);
  agents.restored.inTx(channels.restoreAgent);
  // Features end what is their own and tell of it. What is left of the agent's mail and work ends last.
  // A run that serves a delegation finds it ended, and sends no answer of its own.
  agents.deleting.inTx(tasks.dropAgent, delegations.dropAgent, runs.dropAgent, webhooks.dropAgent);
  agents.deleting.inTx(approvals.dropAgent, sessions.dropAgent);
  orchestrators.managed.answeredBy(sessions.managedBy);
  orchestrators.inProject.answeredBy(sessions.orchestratorsIn);
  agents.inProject.answeredBy(sessions.agentsIn, runs.agentsIn);
  orchestrators.moving.inTx(sessions.followOrchestrator);
  agents.deleting.inTx(channels.dropAgent, pairs.dropAgent, announcements.dropAgent);
  agents.deleting.inTx(schedules.dropTarget, schedules.dropAgent, jobs.dropAgent, models.dropAgent);
  agents.deleting.inTx(mcp.dropAgent, a2a.dropAgent, core.work.dropAgent);
  agents.deleting.afterCommit(a2a.forgetAgent, connections.closeAgent);
  agents.superseded.afterCommit(connections.closeInstance);
  agents.regrouped.afterCommit(waits.nudge, streams.membershipsChanged, fleets.membershipsChanged);
  agents.regrouped.afterCommit(watch.membershipsChanged);
  roster.changed.afterCommit(presence.watch, waits.setReady, rosterText.note);
  connections.present.afterCommit(rosterText.noteConnections);
}

function onTokens({ kernel, identity, core, sessions, webhooks, schedules, a2a, push }: Relayed): void {
  const { auth } = identity;
  auth.hasNew.afterCommit(core.inbox.fleets.enrolled);
  auth.sessionOf.answeredBy(sessions.isLiveOf);
  auth.pausing.inTx(webhooks.pauseOf, schedules.pauseOf, a2a.pauseOf, push.dropToken);
  auth.setUp.answeredBy(webhooks.setUpBy, schedules.setUpBy, a2a.setUpBy);
  auth.changed.afterCommit(kernel.connections.reopenToken);
  auth.ended.afterCommit(kernel.connections.closeToken);
}

function onMessages(relayed: Relayed): void {
  const { core, delegations, runs, webhooks, files, channels, announcements, a2a } = relayed;
  const { loops, metrics, tasks, traces, schedules, approvals, push, stats } = relayed;
  const { messages } = core;
  messages.shape.answeredBy(channels.shape);
  messages.check.answeredBy(files.checkUse);
  messages.answering.answeredBy(delegations.markAnswer);
  messages.held.answeredBy(channels.isHeld);
  messages.planned.inTx(files.keepUntil);
  // An answer ends its delegation before anybody outside hears of it. The loop is paused last: its notices follow the message.
  messages.appended.inTx(delegations.settle, webhooks.created, files.countUse, channels.enqueue, channels.wakeForPost);
  messages.appended.inTx(runs.replied, a2a.wakePushes, a2a.wakeDelivery, push.created, loops.pause);
  messages.appended.afterCommit(messages.search.notice, metrics.messageSent);
  messages.appended.afterCommit(stats.events.messageSent);
  messages.ended.answeredBy(delegations.endOf);
  messages.story.answeredBy(loops.facts, traces.facts, tasks.facts, delegations.facts, channels.facts, schedules.facts);
  messages.story.answeredBy(announcements.facts, a2a.facts, runs.facts, runs.inputFacts, approvals.facts);
  messages.inTurns.answeredBy(runs.inTurns);
  messages.runsTurns.answeredBy(runs.hasBegun);
  core.threads.liveRuns.answeredBy(runs.liveInThreads);
}

function onWork({ core, tasks, delegations, webhooks, channels, announcements, a2a, metrics, stats }: Relayed): void {
  const { work, inbox } = core;
  // Tasks and delegations know first what became of their work: webhooks tell of all three.
  work.moved.inTx(tasks.followWork, delegations.followWork, webhooks.workMoved, channels.followWork);
  work.moved.inTx(announcements.followWork, channels.wakeForWork, a2a.followWork, channels.followTopic);
  work.moved.afterCommit(metrics.workMoved, stats.events.workMoved, inbox.watch.workChanged);
  work.reopened.afterCommit(inbox.claimants.workReopened);
  work.reported.inTx(channels.report, announcements.noteFailure);
  work.told.answeredBy(delegations.isTold, announcements.isTold);
  work.progressTitle.answeredBy(delegations.progressTitle);
  work.extras.answeredBy(tasks.ofWork, channels.postsOfWork);
  work.restated.answeredBy(channels.readdress);
}

/** Depth and budgets are counted over all areas together. */
function onTrees({ core, delegations, runs }: Relayed): void {
  core.trees.openFrom.answeredBy(delegations.openFrom, runs.openFrom);
  core.trees.openBelow.answeredBy(delegations.openBelow, runs.openBelow);
  core.trees.node.answeredBy(delegations.node, runs.node);
  core.trees.running.answeredBy(runs.runningFor);
}

function onInbox({ core, delegations, runs, pairs, announcements, metrics, stats }: Relayed): void {
  const { settled, acked } = core.inbox;
  settled.settledAmong.answeredBy(delegations.settledAmong, pairs.settledAmong, announcements.settledAmong);
  settled.settledAmong.answeredBy(runs.settledAmong);
  acked.inTx(announcements.acknowledge);
  acked.afterCommit(core.inbox.notes.acked);
  core.inbox.deliveries.noted.afterCommit(metrics.delivered, stats.events.delivered, core.inbox.notes.delivered);
}

function onRetention({ core, loops, traces, delegations, runs, announcements, metrics }: Relayed): void {
  const { retention } = core;
  retention.keptFrom.answeredBy(delegations.keptFrom, runs.keptFrom);
  retention.weights.answeredBy(traces.weights, delegations.weights);
  retention.removing.inTx(loops.forget, traces.forget, delegations.forget, announcements.forget, runs.forget);
  runs.kept.answeredBy(announcements.keepRuns);
  retention.ran.afterCommit(metrics.retained);
}

function onFeatures(relayed: Relayed): void {
  const { loops, traces, tasks, delegations, files, runs, pairs, schedules, channels, webhooks } = relayed;
  const { announcements, pulls, approvals, cards, chatCommands, integrations, mcp, a2a, metrics, telemetry } = relayed;
  const { sessions, limits, orphans, conflicts, stats, push } = relayed;
  sessions.reported.inTx(conflicts.followReport);
  tasks.changed.inTx(webhooks.taskChanged);
  tasks.changed.afterCommit(metrics.taskChanged, tasks.showWatchers);
  delegations.changed.inTx(webhooks.delegationChanged, chatCommands.followDelegation);
  // An agent outside waits for the state of its task; a claim makes no message.
  delegations.changed.afterCommit(a2a.delegationChanged, metrics.delegationChanged, delegations.showWatchers);
  delegations.changed.afterCommit(stats.events.delegationChanged);
  runs.changed.inTx(announcements.followRun, webhooks.runChanged, pulls.followRun, sessions.followRun);
  runs.changed.inTx(stats.usage.runMade, stats.events.runChanged);
  runs.used.inTx(stats.usage.runUsed);
  runs.changed.afterCommit(runs.endStreams, a2a.runChanged, metrics.runChanged, runs.showWatchers);
  runs.ended.inTx(announcements.announce, approvals.followRun, telemetry.runEnded, push.runEnded);
  approvals.changed.inTx(cards.follow, channels.followApproval, stats.events.approvalChanged);
  channels.typed.answeredBy(cards.typedButton);
  channels.pressed.inTx(cards.press);
  channels.commanded.inTx(chatCommands.take);
  approvals.changed.afterCommit(metrics.approvalChanged, approvals.showWatchers);
  sessions.changed.inTx(webhooks.sessionChanged, orphans.followSession);
  sessions.changed.afterCommit(sessions.counts.note, sessions.showWatchers);
  limits.changed.afterCommit(limits.showWatchers);
  runs.unwanted.inTx(announcements.dropOf);
  announcements.changed.inTx(webhooks.announcementChanged, push.announced);
  announcements.changed.afterCommit(metrics.announcementChanged, announcements.showWatchers);
  traces.added.afterCommit(metrics.traced, traces.showWatchers);
  loops.changed.inTx(announcements.chainChanged);
  loops.changed.afterCommit(metrics.loopChanged);
  pairs.changed.afterCommit(metrics.pairChanged);
  schedules.runsOf.answeredBy(runs.ofMessage);
  schedules.fired.afterCommit(metrics.scheduleFired);
  files.stored.afterCommit(metrics.fileStored);
  channels.received.afterCommit(metrics.channelReceived);
  channels.ended.afterCommit(metrics.channelPosted);
  webhooks.tried.afterCommit(metrics.webhookTried);
  integrations.received.afterCommit(metrics.eventReceived);
  mcp.called.afterCommit(metrics.toolCalled);
  a2a.asked.afterCommit(metrics.a2aAsked);
}

/** After everybody else has followed: the end of an approval ends its command, and the other way round. */
function onCommands(relayed: Relayed): void {
  const { core, delegations, approvals, commands, holds, tasks, runs, schedules } = relayed;
  core.messages.spawning.answeredBy(commands.spawning);
  core.messages.withholding.answeredBy(commands.withholding);
  core.holding.standing.answeredBy(holds.standsOver);
  delegations.changed.inTx(commands.followDelegation, holds.followDelegation);
  approvals.changed.inTx(commands.followApproval);
  // Owners of a message know of its end before its approval goes.
  core.messages.waited.inTx(tasks.followWaited, runs.followWaited, schedules.followWaited, commands.followWaited);
  tasks.changed.inTx(commands.followTask);
  runs.ended.inTx(commands.followRun);
}
