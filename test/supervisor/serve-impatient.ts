/** `threadmill serve` that calls a child silent after four seconds instead of ten: a program for one test. */
import { serve } from '../../src/cli/serve.ts';

await serve({ flags: {}, env: process.env, cwd: process.cwd() }, { maxSilenceMs: 4_000 });
