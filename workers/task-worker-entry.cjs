/**
 * The file that Piscina loads in each thread. Piscina calls `require` before it tries `import`; a thread that is terminated
 * while Node requires an ES module takes the whole process with it (an assertion of Node 20 and 22). This one is no ES
 * module, and what it imports may be interrupted. Piscina awaits the promise.
 */
module.exports = import('./task-worker.js').then(({ default: runTasks }) => runTasks);
