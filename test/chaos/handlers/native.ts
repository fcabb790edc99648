/** Sits in a call that nothing but the end of the process interrupts. */
import { execFileSync } from 'node:child_process';
import { pbkdf2Sync } from 'node:crypto';
import { recorded, type RecordedHandler } from '../deed.ts';

/** Some of a millisecond: a busy machine makes more of it. */
const ROUNDS = 300;

const handle: RecordedHandler = recorded(({ ms, way }) => {
  if (way % 2 === 0) execFileSync('sleep', [String(ms / 1_000)]);
  else pbkdf2Sync('secret', 'salt', ROUNDS * ms, 32, 'sha256');
});

export default handle;
