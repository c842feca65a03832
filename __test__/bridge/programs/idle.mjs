/** Makes a call, leaves the connection open and has nothing more to do: the process must end by itself. */
import { open } from './client.mjs';

const { run } = open(process.argv[2], process.argv[3]);
console.log(await run('PING'));
