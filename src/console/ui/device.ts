const BROWSERS = [
  [/Edg\//, "Edge"],
  [/Firefox\//, "Firefox"],
  [/Chrom(e|ium)\//, "Chrome"],
  [/Safari\//, "Safari"],
] as const;
const SYSTEMS = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Mac OS/, "macOS"],
  [/Windows/, "Windows"],
  [/Linux/, "Linux"],
] as const;

/** `Firefox on Linux` for what a browser says of itself; any other name as it is. */
export function deviceText(name: string): string {
  if (!name.startsWith("Mozilla/")) return name;
  const browser = BROWSERS.find(([mark]) => mark.test(name))?.[1] ?? "A browser";
  const system = SYSTEMS.find(([mark]) => mark.test(name))?.[1];
  return system === undefined ? browser : `${browser} on ${system}`;
}
