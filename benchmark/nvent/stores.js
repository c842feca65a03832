/**
 * The stores that are compared: the published original, as its fixture loads it, and ours.
 */

const CONNECTION = { host: '127.0.0.1' };

async function original(port) {
  console.log = () => {}; // it reports its connection
  const { RedisStoreAdapter } = await import('../../__test__/fixtures/nvent-original/original.mjs');
  return new RedisStoreAdapter({ connection: { ...CONNECTION, port } });
}

async function ferrodis(port) {
  const { RedisStoreAdapter } = await import('../../dist/nvent/native.js');
  return new RedisStoreAdapter({ connection: { ...CONNECTION, port } });
}

/**
 * Contestants by id.
 *
 * @type {Record<string, { label: string, open: (port: number) => Promise<object> }>}
 */
export const STORES = {
  original: { label: 'original', open: original },
  ferrodis: { label: 'ferrodis', open: ferrodis },
};
