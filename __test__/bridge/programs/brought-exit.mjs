/** Brings clients, calls, listens, ends the clients and has nothing more to do: the process must end by itself. */
import { Redis as Ioredis5 } from 'ioredis5';
import { Redis as Ioredis6 } from 'ioredis6';
import { createClient as createClient5 } from 'redis5';
import { createClient as createClient6 } from 'redis6';
import { bring } from '../../../dist/brought/index.js';
import { operations } from '../../../dist/client.js';

const url = `redis://127.0.0.1:${process.argv[2]}`;
const { command } = operations('redis');

/** @param {object} client */
async function use(client) {
  const brought = bring('program', client);
  const listener = brought.listen({ channel: 'c', onMessage() {} });
  await listener.ready;
  return brought.call(/** @type {number} */ (command), (reply) => reply.value(), 'PING');
}

const answers = [];
for (const Redis of [Ioredis5, /** @type {typeof Ioredis5} */ (/** @type {unknown} */ (Ioredis6))]) {
  const [quits, disconnects, waits] = [new Redis(url), new Redis(url), new Redis(url, { lazyConnect: true })];
  answers.push(await use(quits), await use(disconnects), await use(waits));
  await quits.quit();
  disconnects.disconnect();
  waits.disconnect();
}
for (const client of [createClient5({ url }), createClient6({ url })]) {
  await client.connect();
  answers.push(await use(client));
  await client.close();
}
console.log(answers.join(' '));
