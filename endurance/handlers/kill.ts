/** Takes the whole process with it, at once. */

/** The handler of `kill`. */
export default function kill(): never {
  process.kill(process.pid, 'SIGKILL');
  for (;;);
}
