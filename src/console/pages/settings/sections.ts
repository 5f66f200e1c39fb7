import { type ComponentType, type LazyExoticComponent, lazy } from "react";
import type { Role } from "../../../protocol/tokens.ts";

export interface SettingsSection {
  /** Last part of its address: `/settings/people`. */
  id: string;
  name: string;
  /** One line below the name, in the list of a phone. */
  about: string;
  /** Roles that are shown it; all when left out. */
  roles?: readonly Role[];
  /** A whole `Page`, with a heading that answers. */
  Content: LazyExoticComponent<ComponentType>;
}

/** Sections of the settings, in the order of their list. The first is shown at `/settings`. */
export const SECTIONS: readonly SettingsSection[] = [
  {
    id: "browser",
    name: "This browser",
    about: "Colours, keys, signing out",
    Content: lazy(async () => ({ default: (await import("./browser.tsx")).BrowserSection })),
  },
  {
    id: "device",
    name: "This device",
    about: "Notifications, previews, your devices",
    Content: lazy(async () => ({ default: (await import("./device.tsx")).DeviceSection })),
  },
  {
    id: "usage",
    name: "Usage",
    about: "Tokens and money, by agent, person, project, model",
    Content: lazy(async () => ({ default: (await import("./usage.tsx")).UsageSection })),
  },
  {
    id: "load",
    name: "Load",
    about: "Messages, work, runs and errors over time",
    Content: lazy(async () => ({ default: (await import("./load.tsx")).LoadSection })),
  },
  {
    id: "people",
    name: "People",
    about: "Roles, questions, quiet hours, links to sign in",
    Content: lazy(async () => ({ default: (await import("./people.tsx")).PeopleSection })),
  },
  {
    id: "tokens",
    name: "Tokens",
    about: "Tokens and sign-ins, made and ended",
    roles: ["operator"],
    Content: lazy(async () => ({ default: (await import("./tokens.tsx")).TokensSection })),
  },
  {
    id: "integrations",
    name: "Integrations",
    about: "Alerts and CI that make tasks",
    Content: lazy(async () => ({ default: (await import("./integrations.tsx")).IntegrationsSection })),
  },
  {
    id: "webhooks",
    name: "Webhooks",
    about: "Events sent out, and their dead letters",
    Content: lazy(async () => ({ default: (await import("./webhooks.tsx")).WebhooksSection })),
  },
  {
    id: "models",
    name: "Models",
    about: "Models, and the agents that have each",
    Content: lazy(async () => ({ default: (await import("./models.tsx")).ModelsSection })),
  },
  {
    id: "retention",
    name: "Retention",
    about: "How long data is kept",
    Content: lazy(async () => ({ default: (await import("./retention.tsx")).RetentionSection })),
  },
  {
    id: "health",
    name: "Health",
    about: "Checks of the relay, with the next step",
    Content: lazy(async () => ({ default: (await import("./health.tsx")).HealthSection })),
  },
  {
    id: "backups",
    name: "Backups",
    about: "Copies of the database",
    roles: ["operator"],
    Content: lazy(async () => ({ default: (await import("./backups.tsx")).BackupsSection })),
  },
];
