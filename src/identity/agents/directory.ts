import type { AgentStore } from "./store.ts";
import type { MemberStore } from "./store-members.ts";

export type Directory = ReturnType<typeof createDirectory>;

/** Questions that other areas ask about agents and groups, as the open write or read sees them. */
export function createDirectory(agents: AgentStore, members: MemberStore) {
  return {
    facts: agents.facts,
    byId: agents.byId,
    all: agents.all,
    members: agents.members,
    membersAt: agents.membersAt,
    membersPast: agents.membersPast,
    groupNames: agents.groupNames,
    everTargets: agents.everTargets,
    membershipsBeyond: agents.membershipsBeyond,
    endedBeyond: agents.endedBeyond,
    openMemberships: agents.openMemberships,
    someoneOnline: agents.someoneOnline,
    total: agents.total,
    memberAt: members.memberAt,
    targetsNow: members.targetsNow,
    anyHere: members.anyHere,
    ack: members.ack,
    ackedAt: members.ackedAt,
  };
}
