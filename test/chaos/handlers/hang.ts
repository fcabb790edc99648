/** Never resolves on its first attempts: only its timeout ends it. */
import { recorded, type RecordedHandler } from '../deed.ts';

const handle: RecordedHandler = recorded((_deed, { isBad }) =>
  isBad ? new Promise(() => setInterval(() => undefined, 60_000)) : undefined,
);

export default handle;
