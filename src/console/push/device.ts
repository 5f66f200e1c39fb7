const KEY = "device";

/** Name of this browser among the devices of its person; undefined until it is told by push. */
export const deviceName = (): string | undefined => localStorage.getItem(KEY) ?? undefined;

/** Ends the name: the relay is not told any more that somebody looks at this device. */
export const forgetDevice = (): void => localStorage.removeItem(KEY);

/** The name of this browser, made at the first call: its kind, and characters that tell it from others. */
export function nameDevice(): string {
  const known = deviceName();
  if (known !== undefined) return known;
  const random = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const name = `${kindOf(navigator.userAgent)} ${random.toString(36).padStart(4, "0").slice(-4)}`;
  localStorage.setItem(KEY, name);
  return name;
}

const SYSTEMS: [RegExp, string][] = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/Mac OS/, "Mac"],
  [/Windows/, "Windows"],
];
const BROWSERS: [RegExp, string][] = [
  [/Edg\//, "Edge"],
  [/Firefox|FxiOS/, "Firefox"],
  [/Chrome|CriOS/, "Chrome"],
  [/Safari/, "Safari"],
];

/** `iPhone, Safari`. */
function kindOf(agent: string): string {
  const first = (list: [RegExp, string][], other: string) =>
    list.find(([pattern]) => pattern.test(agent))?.[1] ?? other;
  return `${first(SYSTEMS, "Linux")}, ${first(BROWSERS, "browser")}`;
}
