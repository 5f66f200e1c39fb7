import { type Logger, LogLevel } from "@slack/web-api";

const nothing = () => undefined;

/** Logger that is silent: Slack's libraries write to stdout, and report failures as errors anyway. */
export const SILENT: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  setLevel: nothing,
  getLevel: () => LogLevel.ERROR,
  setName: nothing,
};
