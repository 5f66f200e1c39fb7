/** One chunk of the AI SDK's UI message stream. */
export type Part = { type: string } & Record<string, unknown>;

/** Text shown so far, as length and two hashes: a full text is compared with it without keeping it. */
type Shown = [length: number, hash: number, hash: number];

/** A call of a tool whose result is awaited. */
interface OpenCall {
  /** Id that the runner gave it. */
  id: string;
  /** Id in the parts: a runner may use its own again. */
  shownAs: string;
  name: string;
}

/** Open parts of one turn. Plain JSON and small: it is stored with each append, so that a restart needs no memory. */
export interface TurnState {
  /** Number of the last part. */
  parts: number;
  /** Open reasoning; `status`: its label, if it is a status line. */
  reasoning: { id: string; status?: string } | null;
  /** Id of the open text. */
  text: string | null;
  calls: readonly OpenCall[];
  /** The newest calls that ended, by the runner's id, and how often each id was used. */
  ended: readonly [id: string, times: number][];
  /** Assistant text of the whole turn, and of its newest text part. */
  whole: Shown;
  segment: Shown;
  /** The last failure that was shown. */
  error: string | null;
  /** Its first parts were stored. */
  begun: boolean;
  /** The run is too large: thoughts and tools are left out. */
  cut: boolean;
  over: boolean;
  /** The runner makes its context smaller, and hears nothing meanwhile. */
  compacting?: boolean;
}

/** Calls of one turn that may be open at once; the oldest is closed for one more. */
export const MAX_CALLS = 256;
const MAX_ENDED = 64;
const NOTHING: Shown = [0, 7, 0];

export const freshTurn = (): TurnState => ({
  ...{ parts: 0, reasoning: null, text: null, calls: [], ended: [], whole: NOTHING, segment: NOTHING },
  ...{ error: null, begun: false, cut: false, over: false },
});

/** A turn while one event is applied to it: the new state, and the parts to show. */
export class Turn {
  readonly state: TurnState;
  readonly parts: Part[] = [];

  constructor(before: TurnState) {
    this.state = { ...before };
  }

  show(type: string, members: Record<string, unknown>): void {
    this.parts.push({ type, ...members });
  }

  closeReasoning(): void {
    const { reasoning } = this.state;
    if (!reasoning) return;
    this.show("reasoning-end", { id: reasoning.id });
    this.state.reasoning = null;
  }

  closeText(): void {
    const id = this.state.text;
    if (id === null) return;
    this.show("text-end", { id });
    this.state.text = null;
  }

  /** No reasoning or text stays open. */
  closeBoth(): void {
    this.closeReasoning();
    this.closeText();
  }

  think(delta: string): void {
    if (delta === "") return;
    if (this.state.reasoning?.status !== undefined) this.closeReasoning();
    if (!this.state.reasoning) {
      // An open text would interleave with it.
      this.closeText();
      const id = this.#newId("reasoning");
      this.show("reasoning-start", { id });
      this.state.reasoning = { id };
    }
    this.show("reasoning-delta", { id: this.state.reasoning?.id, delta });
  }

  /** Shows a line about the run itself, marked as such. An identical line that is still open is not repeated. */
  status(label: string): void {
    if (this.state.reasoning?.status === label) return;
    this.closeBoth();
    const id = this.#newId("status");
    this.show("reasoning-start", { id, providerMetadata: { signalbox: { status: true } } });
    this.show("reasoning-delta", { id, delta: label });
    this.state.reasoning = { id, status: label };
  }

  say(delta: string): void {
    if (delta === "") return;
    this.closeReasoning();
    if (this.state.text === null) {
      this.state.text = this.#newId("text");
      this.state.segment = NOTHING;
      this.show("text-start", { id: this.state.text });
    }
    this.show("text-delta", { id: this.state.text, delta });
    this.state.whole = more(this.state.whole, delta);
    this.state.segment = more(this.state.segment, delta);
  }

  /** Says the part of a full text that was not shown yet: after the whole turn's text, or after that of the newest part. */
  sayRest(full: string): void {
    const { whole, segment, text } = this.state;
    if (whole[0] > 0 && beginsWith(full, whole)) this.say(full.slice(whole[0]));
    else if (text !== null && beginsWith(full, segment)) this.say(full.slice(segment[0]));
    else if (full.length !== segment[0] || !beginsWith(full, segment)) {
      this.closeText();
      this.say(full);
    }
  }

  fail(message: string): void {
    if (this.state.error === message) return;
    this.status(`Error: ${message}`);
    this.state.error = message;
  }

  call(id: string, name: string, input: Record<string, unknown>): OpenCall {
    const open = this.opened(id);
    if (!open && this.state.calls.length === MAX_CALLS)
      this.#close(this.state.calls[0] as OpenCall, `More than ${MAX_CALLS} calls are open; this one is not followed.`);
    const times = this.state.ended.find(([ended]) => ended === id)?.[1] ?? 0;
    const call = open ?? { id, shownAs: times === 0 ? id : `${id}#${times + 1}`, name };
    const shown = { toolCallId: call.shownAs, toolName: name, dynamic: true };
    if (!open) this.show("tool-input-start", shown);
    this.show("tool-input-available", { ...shown, input });
    if (!open) this.state.calls = [...this.state.calls, call];
    return call;
  }

  opened(id: string): OpenCall | undefined {
    return this.state.calls.find((call) => call.id === id);
  }

  hasEnded(id: string): boolean {
    return this.state.ended.some(([ended]) => ended === id);
  }

  update(call: OpenCall, output: unknown): void {
    this.show("tool-output-available", { toolCallId: call.shownAs, output, preliminary: true, dynamic: true });
  }

  result(call: OpenCall, output: unknown): void {
    this.show("tool-output-available", { toolCallId: call.shownAs, output, dynamic: true });
    this.#forget(call);
  }

  #close(call: OpenCall, errorText: string): void {
    this.show("tool-output-error", { toolCallId: call.shownAs, errorText, dynamic: true });
    this.#forget(call);
  }

  failCall(call: OpenCall, errorText: string): void {
    this.#close(call, errorText);
  }

  closeCalls(errorText: string): void {
    for (const call of this.state.calls) this.#close(call, errorText);
  }

  #forget({ id }: OpenCall): void {
    const times = this.state.ended.find(([ended]) => ended === id)?.[1] ?? 0;
    const others = this.state.ended.filter(([ended]) => ended !== id);
    this.state.calls = this.state.calls.filter((call) => call.id !== id);
    this.state.ended = [...others, [id, times + 1] as [string, number]].slice(-MAX_ENDED);
  }

  #newId(kind: string): string {
    this.state.parts += 1;
    return `${kind}-${this.state.parts}`;
  }
}

function more([length, one, two]: Shown, text: string): Shown {
  let [a, b] = [one, two];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = (Math.imul(a, 31) + unit) | 0;
    b = Math.imul(b ^ unit, 16_777_619);
  }
  return [length + text.length, a, b];
}

function beginsWith(text: string, shown: Shown): boolean {
  if (text.length < shown[0]) return false;
  const [, one, two] = more(NOTHING, text.slice(0, shown[0]));
  return one === shown[1] && two === shown[2];
}
