import { type HTMLInputTypeAttribute, type ReactNode, useId } from "react";
import { FIELD } from "./fields.tsx";

interface Base<Value> {
  name: string;
  value: Value;
  set(value: Value): void;
  /** Said below the control. */
  about?: ReactNode;
}

/** A control with its name above and a hint below. */
function Held({ name, id, about, children }: { name: string; id: string; about?: ReactNode; children: ReactNode }) {
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <label htmlFor={id} className="text-small text-ink3">
        {name}
      </label>
      {children}
      {about && (
        <div id={`${id}-about`} className="text-small text-ink3 wrap-anywhere">
          {about}
        </div>
      )}
    </div>
  );
}

interface TextProps extends Base<string> {
  type?: HTMLInputTypeAttribute;
  placeholder?: string;
  /** Offered while typing. */
  options?: readonly string[];
  isMono?: boolean;
}

/** One line of text. */
export function TextInput({ name, value, set, about, type = "text", placeholder, options, isMono }: TextProps) {
  const id = useId();
  return (
    <Held name={name} id={id} about={about}>
      <input
        id={id}
        type={type}
        value={value}
        placeholder={placeholder}
        list={options && `${id}-list`}
        aria-describedby={about ? `${id}-about` : undefined}
        onChange={({ target }) => set(target.value)}
        className={`${FIELD} ${isMono ? "font-mono" : ""}`}
        autoComplete="off"
      />
      {options && (
        <datalist id={`${id}-list`}>
          {options.map((option) => (
            <option key={option} value={option} />
          ))}
        </datalist>
      )}
    </Held>
  );
}

/** Several lines of text. */
export function TextArea({ name, value, set, about, isMono }: Base<string> & { isMono?: boolean }) {
  const id = useId();
  return (
    <Held name={name} id={id} about={about}>
      <textarea
        id={id}
        value={value}
        rows={Math.min(12, Math.max(3, value.split("\n").length))}
        aria-describedby={about ? `${id}-about` : undefined}
        onChange={({ target }) => set(target.value)}
        className={`rounded-control border border-control bg-surface px-2 py-1 ${isMono ? "font-mono text-small" : ""}`}
      />
    </Held>
  );
}

/** One of several values. `options` gives each its words. */
export function Choice<Value extends string>({
  name,
  value,
  set,
  about,
  options,
}: Base<Value> & { options: Record<Value, string> }) {
  const id = useId();
  return (
    <Held name={name} id={id} about={about}>
      <select id={id} value={value} onChange={({ target }) => set(target.value as Value)} className={FIELD}>
        {(Object.entries(options) as [Value, string][]).map(([one, words]) => (
          <option key={one} value={one}>
            {words}
          </option>
        ))}
      </select>
    </Held>
  );
}

/** Yes or no. */
export const Tick = ({ name, value, set, about }: Base<boolean>) => (
  <label className="flex min-h-8 items-start gap-2 max-md:min-h-12 max-md:items-center">
    <input
      type="checkbox"
      checked={value}
      onChange={({ target }) => set(target.checked)}
      className="mt-1 max-md:mt-0"
    />
    <span>
      {name}
      {about && <span className="block text-small text-ink3">{about}</span>}
    </span>
  </label>
);
