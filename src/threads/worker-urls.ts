/** Where the entries of the worker threads lie, seen from the compiled `dist/src/threads`. */

/** Entry of every pool thread. */
export const taskWorkerUrl: URL = new URL('../../workers/task-worker-entry.cjs', import.meta.url);

/** Entry of the throw-away thread that loads every handler module at start. */
export const handlerScanUrl: URL = new URL('../../workers/handler-scan.js', import.meta.url);
