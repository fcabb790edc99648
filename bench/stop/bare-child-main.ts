/** The program of a bare child process. Its channel keeps it up; should the parent die, it ends with the channel. */
process.on('SIGTERM', () => process.exit(0));
process.send?.('ready');
process.on('message', () => undefined);
process.on('disconnect', () => process.exit(0));
