import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api.ts";
import { Button } from "../../ui/button.tsx";
import { Exact } from "../../ui/exact.tsx";
import { TextInput } from "../../ui/inputs.tsx";
import { Empty, Failure, Loading } from "../../ui/notes.tsx";
import { Page, Section } from "../../ui/page.tsx";
import { type RowParts, Rows } from "../../ui/rows.tsx";

const mib = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

/** Copies of the database in the data folder of the relay. */
export function BackupsSection() {
  const cache = useQueryClient();
  const [keep, setKeep] = useState("");
  const { data, error, refetch } = useQuery({
    queryKey: ["backups"],
    queryFn: ({ signal }) => api.backups({ signal }),
  });
  const make = useMutation({
    mutationFn: () => api.backup(keep === "" ? {} : { keep: Number(keep) }),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["backups"] }),
  });
  const [newest] = data?.items ?? [];
  return (
    <Page
      title={
        newest
          ? `The newest backup is of ${new Date(newest.createdAt).toLocaleString()}`
          : data
            ? "No backup yet"
            : "Backups"
      }
      facts="Each is a whole copy of the database, made while the relay runs, beside it in its data folder. Keep copies on another disk, too."
    >
      <form
        className="mb-6 flex flex-wrap items-end gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate();
        }}
      >
        <TextInput name="Copies to keep" type="number" value={keep} set={setKeep} placeholder="all" />
        <Button type="submit" kind="primary" disabled={make.isPending}>
          {make.isPending ? "Copying…" : "Make a backup"}
        </Button>
      </form>
      {make.error && <Failure error={make.error} />}
      {make.data && (
        <p className="mb-4" role="status">
          {`Made, ${mib(make.data.bytes)}, up to message ${make.data.head}.`}
          {make.data.deleted.length > 0 && ` ${make.data.deleted.length} older ones were deleted.`}
        </p>
      )}
      <Section title="Backups" note="the newest 100">
        {error && <Failure error={error} retry={() => void refetch()} />}
        {!data && !error && <Loading what="backups" />}
        {data?.items.length === 0 && <Empty>No copy lies in the data folder. Make one before an upgrade.</Empty>}
        <Rows
          items={data?.items ?? []}
          row={backupRow}
          open={({ file }) => <Exact>{`signalbox restore ${file}`}</Exact>}
        />
      </Section>
    </Page>
  );
}

const backupRow = ({ file, bytes, createdAt }: { file: string; bytes: number; createdAt: string }): RowParts => ({
  ...{ id: file, glyph: "settled", kind: mib(bytes), since: createdAt },
  what: new Date(createdAt).toLocaleString(),
  why: file,
});
