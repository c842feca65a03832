/**
 * The stores that are compared. The original is played on the client it uses itself, once as it makes that client
 * and once with the client's command time-out turned off, which is its faster setting.
 */

import { createClient } from 'redis6';

/** Where `tsc -p benchmark/tsconfig.json` puts the player of the original. */
const PLAYER = new URL('../../.cache/benchmark/__test__/support/', import.meta.url);

/** The tests' builder of jobs: `newJob(queueName, fields)`. */
export const { newJob } = await import(new URL('job.js', PLAYER).href);

async function original(options) {
  const { OriginalStore } = await import(new URL('original-conveyor.js', PLAYER).href);
  const store = new OriginalStore(options);
  await store.connect();
  return store;
}

async function untimed(url) {
  const client = createClient({ url, commandOptions: { timeout: 0 } });
  client.on('error', (error) => console.error(error));
  await client.connect();
  return original({ client });
}

async function ferrodis(url) {
  const { RedisStore } = await import('../../dist/conveyor/index.js');
  const store = new RedisStore({ url });
  await store.connect();
  return store;
}

/**
 * Contestants by id.
 *
 * @type {Record<string, { label: string, ours?: boolean, open: (url: string) => Promise<object> }>}
 */
export const STORES = {
  original: { label: 'original', open: (url) => original({ url }) },
  'original-untimed': { label: 'original, no time-out', open: untimed },
  ferrodis: { label: 'ferrodis', ours: true, open: ferrodis },
};
