/** Exits in the middle of calls. */
import { open } from './client.mjs';

const { run } = open(process.argv[2], process.argv[3]);
await run('PING');
for (let i = 0; i < 100; i++) void run('PING');
setImmediate(() => process.exit(0));
