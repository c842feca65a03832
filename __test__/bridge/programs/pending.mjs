/** Leaves a call pending: the process must stay until it is settled. */
import { open } from './client.mjs';

const { run } = open(process.argv[2], process.argv[3]);
await run('PING');
void run('EVAL', 'local n = 0 for i = 1, 5000000 do n = n + 1 end return n', '0').then((n) =>
  console.log(`settled ${n}`),
);
