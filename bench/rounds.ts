/** Measures contenders in turns, so that each pair of slices meets the machine in the same mood. */

/** One side: a name, and how to measure one slice of it. */
export interface Turn<Slice> {
  readonly name: string;
  slice(): Promise<Slice>;
}

/**
 * Measures every side once per round; every second round runs backwards, so that no side always comes after the same
 * other one. Answers the slices by name; those of one round stand at the same index.
 */
export async function inTurns<Slice>(
  turns: readonly Turn<Slice>[],
  rounds: number,
): Promise<ReadonlyMap<string, readonly Slice[]>> {
  const slices = new Map<string, Slice[]>(turns.map(({ name }) => [name, []]));
  if (slices.size !== turns.length) throw new RangeError('two contenders have the same name');
  for (let round = 0; round < rounds; round++) {
    for (const turn of round % 2 === 0 ? turns : turns.toReversed()) {
      slices.get(turn.name)?.push(await turn.slice());
    }
  }
  return slices;
}
