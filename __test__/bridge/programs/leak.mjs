/** Calls and connections in great number; prints how far the memory grew after a warm-up, in MiB. */
import { open } from './client.mjs';

const [port, lane] = process.argv.slice(2);
const collect = /** @type {() => void} */ (globalThis.gc);
const { connection, run } = open(port, lane);

/** @param {number} rounds */
async function work(rounds) {
  for (let i = 0; i < rounds; i++) {
    await Promise.all(Array.from({ length: 100 }, (_, n) => run('ECHO', `é${n}`.repeat(20))));
    if (i % 50 === 0) {
      const other = open(port, lane);
      const listener = other.connection.listen({ channel: `c${i}`, onMessage() {} });
      await listener.ready;
      await other.connection.close();
    }
  }
  collect();
  return process.memoryUsage().rss / 2 ** 20;
}

const before = await work(300);
const after = await work(1000);
console.log(Math.round(after - before));
await connection.close();
