import { getRouteApi, Link } from "@tanstack/react-router";
import type { Approval } from "../../../protocol/approvals.ts";
import { visible } from "../../../protocol/visible.ts";
import { api } from "../../api.ts";
import { useProject } from "../../frame/projects.ts";
import { Listed } from "../../ui/listed.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { usePages } from "../../ui/pages.ts";
import type { RowParts } from "../../ui/rows.tsx";
import { TAB, Tabs } from "../../ui/tabs.tsx";
import { ApprovalCard, exactOf, outcomeOf, useAnswerKeys } from "../now/approval.tsx";
import { Rules } from "./rules.tsx";

const route = getRouteApi("/approvals");

/** Questions to people, with how each was decided, and the rules that decide. */
export function ApprovalsPage() {
  const { show } = route.useSearch();
  const { project } = useProject();
  const list = usePages(["approvals", "list", project], (page, signal) =>
    api.approvals.list({ limit: 100, page, project }, { signal }),
  );
  const keys = useAnswerKeys();
  const waiting = list.items.filter(({ state }) => state === "pending").length;
  const title =
    waiting === 0 ? "No approval waits" : `${waiting} ${waiting === 1 ? "approval waits" : "approvals wait"}`;
  return (
    <Page title={list.isRead ? title : "Approvals"}>
      <Tabs label="Parts of approvals">
        <Link to="/approvals" search={{}} className={TAB} activeOptions={{ exact: true }}>
          History
        </Link>
        <Link to="/approvals" search={{ show: "rules" }} className={TAB} activeOptions={{ exact: true }}>
          Rules
        </Link>
      </Tabs>
      {show === "rules" ? (
        <Rules />
      ) : (
        <Section title="History">
          <Listed
            list={list}
            what="approvals"
            row={approvalRow}
            open={({ id }) => <ApprovalCard id={id} hasKeys />}
            keys={({ id }) => keys(id)}
            empty={project ? `Nothing was asked for in ${visible(project)}.` : "No agent has asked for anything yet."}
          />
        </Section>
      )}
    </Page>
  );
}

function approvalRow(approval: Approval): RowParts {
  const { id, agentId, title, kind, state, reason, createdAt } = approval;
  return {
    ...{ id, kind, since: createdAt, glyph: state === "pending" ? "you" : "settled" },
    what: (
      <>
        <strong>{agentId}</strong> {visible(title)}
      </>
    ),
    why: visible(
      state === "pending"
        ? (exactOf(approval.subject)[0]?.slice(0, 200) ?? "")
        : [outcomeOf(approval), reason].filter(Boolean).join(": "),
    ),
  };
}
