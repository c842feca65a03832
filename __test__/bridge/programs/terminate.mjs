/** Terminates busy worker threads again and again; the main thread goes on with its own connection. */
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { open } from './client.mjs';

if (isMainThread) {
  const [port, lane, times] = process.argv.slice(2);
  const { connection, run } = open(port, lane);
  for (let i = 0; i < Number(times); i++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { port, lane } });
    await new Promise((resolve) => worker.once('message', resolve));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    await worker.terminate();
    await run('PING');
  }
  await connection.close();
  console.log('alive');
} else {
  const { parentPort } = await import('node:worker_threads');
  const { connection, run } = open(workerData.port, workerData.lane);
  connection.listen({ channel: 'news', onMessage() {} });
  await run('PING');
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage('busy');
  for (;;) await Promise.all(Array.from({ length: 64 }, () => run('PUBLISH', 'news', 'x')));
}
