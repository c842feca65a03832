/**
 * Takes a lock for a time to live in ms and renews it. With `hold` the process stays; without, the renewal alone must not keep it alive.
 */
import { Connection, operations } from '../../../dist/client.js';
import { renew } from '../../../dist/renewal.js';

const [port, lane, key, life, hold] = process.argv.slice(2);
const { command } = operations('redis');
const connection = Connection.open({
  port: Number(port),
  lane: /** @type {'loop' | 'runtime'} */ (lane),
});
await connection.call(
  /** @type {number} */ (command),
  (reply) => reply.skip(),
  'SET',
  String(key),
  'me',
  'PX',
  String(life),
);
renew(connection, { key: String(key), owner: 'me', ttlMs: Number(life), onLost: () => console.log('lost') });
console.log('held');
if (hold === 'hold') setInterval(() => {}, 1000);
