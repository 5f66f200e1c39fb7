/** Collector of OpenTelemetry that the operator named. */
export interface TelemetryOptions {
  /** Base address of its OTLP/HTTP; undefined: nothing is sent. */
  endpoint: string | undefined;
  headers: Readonly<Record<string, string>>;
  /** With the texts of people and agents. */
  hasContent: boolean;
}
