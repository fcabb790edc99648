/** Throws on its first attempts. */
import { recorded, type RecordedHandler } from '../deed.ts';

const handle: RecordedHandler = recorded((_deed, { isBad }) => {
  if (isBad) throw new TypeError('thrown');
});

export default handle;
