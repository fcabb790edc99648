/** The command `doctor` and its flags. */
import { type Command, Option } from 'commander';
import type { ProgramOptions } from '../program-options.ts';
import { addRedisCommand } from '../redis-command.ts';
import type { DoctorFlags } from './doctor.ts';

/** Adds the command. What it does is loaded when it is called. */
export function addDoctor(program: Command, shell: ProgramOptions): void {
  const spec = {
    usage: 'doctor',
    description: 'Find out what is wrong with Redis, servers and queues, and mend what is safe.',
    options: [new Option('--fix', 'mend what is safe, and say what was done')],
    examples: [
      'threadmill doctor',
      'threadmill doctor --fix',
      `threadmill doctor --json | jq '.findings[] | select(.status == "problem")'`,
    ],
    notes: `Without --fix nothing is changed. --fix mends what is safe, says what it did, and leaves the rest with advice.
Exit codes: 0 healthy (warnings allowed), 1 problems found, 2 used wrongly or could not look, 130 stopped by Ctrl-C.`,
  };
  addRedisCommand<DoctorFlags>(program, shell, spec, async (call) =>
    (await import('./doctor.ts')).doctor(call),
  );
}
