import { afterAll, beforeAll, expect, it } from 'vitest';

import { Connection, operations, type Reply } from '../../dist/client.js';
import { Cluster } from '../support/cluster.js';

const { command } = operations('redis') as { command: number };
const { clear } = operations('ayepi') as { clear: number };

let at: Cluster;

beforeAll(async () => {
  at = await Cluster.start();
}, 60_000);

afterAll(() => at.stop());

it('keys on every node are removed by what they begin with, whatever their slots', async () => {
  await using connection = Connection.open(at.options);
  const run = (...args: string[]) => connection.call(command, (reply: Reply) => reply.value(), ...args);
  const names = Array.from({ length: 300 }, (_, i) => `${i % 3 === 0 ? 'other' : 'mine'}:${i}`);
  await Promise.all(names.map((name) => run('SET', name, 'v')));
  await connection.call(clear, (reply: Reply) => reply.skip(), 'mine:');
  const left = await Promise.all(names.map((name) => run('EXISTS', name)));
  expect(left).toEqual(names.map((name) => (name.startsWith('other') ? 1 : 0)));
});
