import { type Logger, LogLevel } from "@slack/web-api";

const nothing = () => undefined;

/** Slack's libraries write to stdout by themselves; what matters reaches us as errors. */
export const SILENT: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  setLevel: nothing,
  getLevel: () => LogLevel.ERROR,
  setName: nothing,
};
