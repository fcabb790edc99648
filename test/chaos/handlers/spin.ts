/** Holds its thread for seconds, deaf to everything. */
import { holdThread, recorded, type RecordedHandler } from '../deed.ts';

const handle: RecordedHandler = recorded(({ ms }) => holdThread(ms));

export default handle;
