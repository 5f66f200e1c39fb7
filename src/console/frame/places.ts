import type { LinkProps } from "@tanstack/react-router";
import {
  CalendarClock,
  History,
  Inbox,
  ListChecks,
  type LucideIcon,
  MessageCircle,
  MessagesSquare,
  Play,
  Server,
  ShieldCheck,
} from "lucide-react";

interface Place {
  to: LinkProps["to"];
  name: string;
  /** Second key after `g`. */
  key: string;
  icon: LucideIcon;
  /** In the bar at the bottom, too. */
  isOnPhone?: boolean;
}

/** Places in the rail, in its order. */
export const PLACES: readonly Place[] = [
  { to: "/", name: "Now", key: "n", icon: Inbox, isOnPhone: true },
  { to: "/threads", name: "Threads", key: "t", icon: MessagesSquare, isOnPhone: true },
  { to: "/runs", name: "Runs", key: "r", icon: Play, isOnPhone: true },
  { to: "/work", name: "Work", key: "w", icon: ListChecks },
  { to: "/agents", name: "Fleet", key: "f", icon: Server, isOnPhone: true },
  { to: "/activity", name: "Activity", key: "a", icon: History },
  { to: "/approvals", name: "Approvals", key: "p", icon: ShieldCheck },
  { to: "/channels", name: "Channels", key: "c", icon: MessageCircle },
  { to: "/schedules", name: "Schedules", key: "s", icon: CalendarClock },
];
