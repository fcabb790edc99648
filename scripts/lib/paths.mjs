// Where things lie in the repository.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** An absolute path below the repository's root. */
export const inRoot = (...parts) => join(root, ...parts);
