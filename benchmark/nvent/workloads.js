/**
 * What a store is asked to do: one call of number `i`, under a key of the run's own or over what {@link fill} has made.
 * A call whose answer is wrong throws.
 */

/** The index that reads look into, and how many entries it has; one in a hundred is running. */
export const FILLED = 'nvent:flow:runs:filled';
export const FILLED_ENTRIES = 10_000;
/** Entries that are updated and counted in turn: more than calls in flight, so that the original has no conflicts. */
export const CHANGED_ENTRIES = 256;

const EVENT = {
  type: 'step.completed',
  runId: '3f2a9f0e-7f5b-4c1e-9d55-0b1c2d3e4f50',
  flowName: 'order',
  stepName: 'charge',
  stepId: 'charge-1',
  attempt: 1,
  data: { amount: 4200, currency: 'EUR', items: ['a', 'b', 'c'] },
};

const METADATA = {
  status: 'running',
  startedAt: 1_790_000_000_000,
  stepCount: 2,
  completedSteps: 1,
  emittedEvents: { order: { placed: 1_790_000_000_500 } },
  stats: { total: 5, success: 4 },
};

const VALUE = { id: 'stall-timeout:1', enabled: true, executeAt: 1_790_000_000_000, metadata: { runId: 'r' } };

function expect(condition) {
  if (!condition) throw new Error('a wrong answer');
}

export const WORKLOADS = {
  append: (store, key) => store.stream.append(key, EVENT),
  add: (store, key, i) => store.index.add(key, `run-${i}`, i, METADATA),
  async get(store, _key, i) {
    const entry = await store.index.get(FILLED, `run-${i % FILLED_ENTRIES}`);
    expect(entry.metadata.stats.total === 5);
  },
  async read50(store, _key, i) {
    const page = await store.index.read(FILLED, { offset: (i * 50) % (FILLED_ENTRIES - 50) });
    expect(page.length === 50 && page[49].metadata.stats.total === 5);
  },
  async filtered(store) {
    const found = await store.index.read(FILLED, { filter: { status: ['running', 'awaiting'] }, limit: 1000 });
    expect(found.length === FILLED_ENTRIES / 100);
  },
  async update(store, key, i) {
    expect(await store.index.update(key, `run-${i % CHANGED_ENTRIES}`, { status: 'completed', lastActivityAt: i }));
  },
  async increment(store, key, i) {
    expect((await store.index.increment(key, `run-${i % CHANGED_ENTRIES}`, 'stats.total')) > 0);
  },
  async kvGet(store) {
    expect((await store.kv.get('nvent:value')).enabled);
  },
  kvSet: (store, key, i) => store.kv.set(`${key}:${i % 1000}`, VALUE),
};

const FILL = `
for i = 0, tonumber(ARGV[2]) - 1 do
  redis.call('ZADD', ARGV[1], i, 'run-' .. i)
  redis.call('HSET', ARGV[1] .. ':meta:run-' .. i, 'version', '0', 'status', i % 100 == 0 and 'running' or 'completed',
    'startedAt', '1790000000000', 'stepCount', '2', 'completedSteps', '1', 'emittedEvents.order.placed', '1790000000500',
    'stats.total', '5', 'stats.success', '4')
end
`;

/** Fills an index with entries as either store would have written them. */
export async function fill(admin, key, entries) {
  await admin.eval(FILL, { arguments: [key, `${entries}`] });
}

/** What all runs read. */
export async function fillShared(admin) {
  await fill(admin, FILLED, FILLED_ENTRIES);
  await admin.set('nvent:value', JSON.stringify(VALUE));
}
