import { Link } from "@tanstack/react-router";
import { visible } from "../../../protocol/visible.ts";

/** Groups and the desk of people have no page. */
const hasPage = (id: string): boolean =>
  !/^(label|tag|cap|orchestrator):/.test(id) && !["broadcast", "user", "system"].includes(id);

/** A sender or a target by its name; an agent's leads to the agent. */
export const Party = ({ id }: { id: string }) =>
  hasPage(id) ? (
    <Link to="/agents/$id" params={{ id }} className="text-accent hover:underline">
      {visible(id)}
    </Link>
  ) : (
    visible(id)
  );
