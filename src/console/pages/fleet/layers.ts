type Pair = readonly [from: string, to: string];

/** Walks from each node in turn; pairs that lead back into the walk are left out, so that no circle remains. */
function withoutCircles(pairs: readonly Pair[]): Pair[] {
  const next = Map.groupBy(pairs, ([from]) => from);
  const state = new Map<string, "open" | "done">();
  const kept: Pair[] = [];
  function visit(id: string): void {
    state.set(id, "open");
    for (const pair of next.get(id) ?? []) {
      if (state.get(pair[1]) === "open") continue;
      kept.push(pair);
      if (!state.has(pair[1])) visit(pair[1]);
    }
    state.set(id, "done");
  }
  const targets = new Set(pairs.map(([, to]) => to));
  const ids = [...new Set(pairs.map(([from]) => from))];
  // Agents without incoming messages stand at the left.
  for (const id of [...ids.filter((one) => !targets.has(one)), ...ids]) if (!state.has(id)) visit(id);
  return kept;
}

/** Columns of a picture from left to right: each node stands right of all that lead to it, near to them. */
export function layersOf(pairs: readonly Pair[]): string[][] {
  const kept = withoutCircles(pairs);
  const rank = new Map(pairs.flat().map((id) => [id, 0]));
  for (let isMoved = true; isMoved; ) {
    isMoved = false;
    for (const [from, to] of kept) {
      const least = (rank.get(from) ?? 0) + 1;
      if ((rank.get(to) ?? 0) >= least) continue;
      rank.set(to, least);
      isMoved = true;
    }
  }
  const layers: string[][] = [];
  for (const [id, column] of rank) {
    layers[column] ??= [];
    layers[column].push(id);
  }
  for (const [column, layer] of layers.entries()) {
    const before = layers[column - 1];
    if (!before) continue;
    const height = new Map(
      layer.map((id) => {
        const rows = kept.filter(([, to]) => to === id).map(([from]) => before.indexOf(from));
        const known = rows.filter((row) => row >= 0);
        return [id, known.reduce((sum, row) => sum + row, 0) / Math.max(1, known.length)];
      }),
    );
    layer.sort((a, b) => (height.get(a) ?? 0) - (height.get(b) ?? 0));
  }
  return layers;
}
