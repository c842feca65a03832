/** Terminates worker threads that have not said yet as whom to log in; the main thread then dials by itself. */
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { createClient } from 'redis6';
import { bring } from '../../../dist/brought/index.js';
import { operations } from '../../../dist/client.js';
import { open } from './client.mjs';

const { command } = operations('redis');

if (isMainThread) {
  const [port, lane, times] = process.argv.slice(2);
  for (let i = 0; i < Number(times); i++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { port } });
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
  }
  const { run } = open(port, lane);
  console.log(await run('PING'));
} else {
  const { parentPort } = await import('node:worker_threads');
  let asked = 0;
  const client = createClient({
    url: `redis://127.0.0.1:${workerData.port}`,
    credentialsProvider: {
      type: 'async-credentials-provider',
      // The client itself is told, the native side never.
      credentials() {
        if (asked++ === 0) return Promise.resolve({ username: '', password: '' });
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
        parentPort?.postMessage('asked');
        return new Promise(() => {});
      },
    },
  });
  client.on('error', () => {});
  await client.connect();
  void bring('program', client).call(/** @type {number} */ (command), (reply) => reply.value(), 'PING');
}
