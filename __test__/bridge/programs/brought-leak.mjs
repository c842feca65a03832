/** Brings clients in great number; prints how far the memory grew after a warm-up, in MiB. */
import { Redis } from 'ioredis6';
import { bring } from '../../../dist/brought/index.js';
import { operations } from '../../../dist/client.js';

const { command } = operations('redis');
const collect = /** @type {() => void} */ (globalThis.gc);

/** @param {number} clients */
async function work(clients) {
  for (let i = 0; i < clients; i++) {
    const client = new Redis({ port: Number(process.argv[2]), host: '127.0.0.1' });
    const brought = bring('program', client);
    const listener = brought.listen({ channel: 'c', onMessage() {} });
    await listener.ready;
    await brought.call(/** @type {number} */ (command), (reply) => reply.value(), 'PING');
    const ended = new Promise((resolve) => client.once('end', resolve));
    client.disconnect();
    await ended;
  }
  collect();
  return process.memoryUsage().rss / 2 ** 20;
}

const before = await work(400);
const after = await work(200);
console.log(Math.round(after - before));
