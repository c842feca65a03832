/**
 * A proxy that holds back every chunk for a while in both directions: the network between an application and its server.
 * Arguments: port of the server, delay in milliseconds. Prints the port it listens on.
 *
 * Timers of the event loop are only precise to a millisecond, so while anything is held back the proxy polls the clock.
 * It needs a core of its own.
 */

import { connect, createServer } from 'node:net';
import process from 'node:process';

const [serverPort, delayMs] = process.argv.slice(2).map(Number);

/** Chunks under way, in the order they are due. */
const held = [];

function deliver() {
  const now = performance.now();
  while (held.length > 0 && held[0].due <= now) {
    const { to, chunk } = held.shift();
    if (!to.destroyed) to.write(chunk);
  }
  if (held.length > 0) setImmediate(deliver);
}

function hold(to, chunk) {
  held.push({ to, chunk, due: performance.now() + delayMs });
  if (held.length === 1) setImmediate(deliver);
}

const server = createServer((client) => {
  const upstream = connect({ host: '127.0.0.1', port: serverPort, noDelay: true });
  client.setNoDelay(true);
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ]) {
    from.on('data', (chunk) => hold(to, chunk));
    from.on('close', () => to.destroy());
    from.on('error', () => to.destroy());
  }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
