import { getRouteApi } from "@tanstack/react-router";
import { MESSAGE_KINDS } from "../../../protocol/limits.ts";
import { FIELD } from "../../ui/fields.tsx";

const route = getRouteApi("/work");

const FIELDS = [
  ["target", "Target"],
  ["topic", "Topic"],
  ["from", "From"],
] as const;

/** Filters of the list, in the address. */
export function Filters() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const set = (change: object): void => void navigate({ search: (had) => ({ ...had, ...change }), replace: true });
  return (
    <div className="mb-4 flex flex-wrap gap-2 max-md:grid max-md:grid-cols-2">
      {FIELDS.map(([name, label]) => (
        <input
          key={`${name} ${search[name]}`}
          defaultValue={search[name]}
          placeholder={label.toLowerCase()}
          aria-label={label}
          onBlur={({ target }) =>
            target.value.trim() !== (search[name] ?? "") && set({ [name]: target.value.trim() || undefined })
          }
          onKeyDown={({ key, currentTarget }) => (key === "Enter" || key === "Escape") && currentTarget.blur()}
          className={`${FIELD} w-44 max-md:w-full`}
        />
      ))}
      <select
        aria-label="Kind"
        value={search.kind ?? ""}
        onChange={({ target }) => set({ kind: target.value || undefined })}
        className={FIELD}
      >
        <option value="">any kind</option>
        {MESSAGE_KINDS.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
    </div>
  );
}
