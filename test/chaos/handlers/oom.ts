/** Fills its heap on its first attempts: V8 ends the thread, or the whole process. */
import { recorded, type RecordedHandler } from '../deed.ts';

const handle: RecordedHandler = recorded(({ way }, { isBad }) => {
  if (!isBad) return;
  const rows: number[][] = [];
  const map = new Map<number, number>();
  for (let i = 0; ; i += 1) {
    if (way % 2 === 0) rows.push(new Array<number>(10_000).fill(0.5));
    else map.set(i, i);
  }
});

export default handle;
