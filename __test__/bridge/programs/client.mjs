/** Used by the programs beside it: a connection to the server whose port comes first, on the lane that comes second. */
import { Connection, operations } from '../../../dist/client.js';

const { command } = operations('redis');

/** @param {string | undefined} port @param {string | undefined} lane */
export function open(port, lane) {
  const connection = Connection.open({
    host: '127.0.0.1',
    port: Number(port),
    lane: /** @type {'loop' | 'runtime'} */ (lane),
  });
  /** @param {string[]} args */
  const run = (...args) => connection.call(command, (reply) => reply.value(), ...args);
  return { connection, run };
}
