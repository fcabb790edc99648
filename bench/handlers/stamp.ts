/** Says when its first line ran. */
import { nowMs, sendFirstLine } from '../work/first-line.ts';

/** The handler of `stamp`. */
export default function stamp(): void {
  sendFirstLine(nowMs());
}
