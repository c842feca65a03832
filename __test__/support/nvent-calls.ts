import type { StoreAdapter } from 'ferrodis/nvent/native';
import * as fc from 'fast-check';

/** One call of a store, or one raw command that both databases get, to play what other programs write. */
export type Call =
  { readonly method: string; readonly args: readonly unknown[] } | { readonly command: readonly string[] };

/** How a call ended: its result, or what it was rejected with. */
export type Ending = { readonly result: unknown } | { readonly error: readonly [name: string, message: string] };

/** Carries out `index.add` and the like. */
export async function perform(store: StoreAdapter, method: string, args: readonly unknown[]): Promise<Ending> {
  const [part, name] = method.split('.');
  const call = Reflect.get(Reflect.get(store, part ?? '') as object, name ?? '') as (
    ...given: readonly unknown[]
  ) => Promise<unknown>;
  try {
    return { result: await call(...args) };
  } catch (error) {
    const { name: kind, message } = error as Error;
    return { error: [kind, message] };
  }
}

/** Texts that are read as something else than they look, or that look like something else than they are. */
const oddTexts = [
  '', ' ', '0', '-0', '7', '007', '-7', '+5', '.5', '5.', '1.5', '1e3', '1E-3', '1e400', '-1e400', '12345678901234567890',
  '0x10', '-0x10', '0b101', '0o17', '1_000', '1n', '1,5', 'NaN', 'Infinity', '-Infinity', 'inf', 'infinity', 'true', 'false',
  'null', 'undefined', 'True', ' true', 'true ', 'truely', 'nullx', '"q"', '"', '[1,2]', '[', '[1,', '{}', '{"a":1}', '{',
  ' 5 ', '5\n', '\u00a05', '\ufeff5', '\u2028 5', '\u200b5', '５', '3f2a-uuid', '-', '- 5', '1-0', '2024-01-01', 'a.b', 'é', '😀',
  '\ud800', '\u0000', 'x'.repeat(100), 'flow.start',
]; // prettier-ignore

const text = fc.oneof(fc.constantFrom(...oddTexts), fc.string({ unit: 'binary', maxLength: 12 }));
const number = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 1.5, 1e21, 1e-7, 123456789012345680000, Number.NaN, Infinity, -Infinity, 2 ** 53),
  fc.integer(),
  fc.double(),
);
const json = fc.jsonValue({ maxDepth: 2 });

/** Values that JavaScript writes in ways of its own. */
const oddValue = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    true,
    false,
    [],
    {},
    [null],
    [null, 1, undefined, 2],
    [[null, 1]],
    [Number.NaN],
  ),
  fc.constantFrom<unknown>(
    new Map([[1, 2]]),
    new Set([1]),
    /x/u,
    Object(5),
    Object('ab'),
    Symbol('s'),
    () => 1,
    10n ** 20n,
  ),
  fc.constantFrom<unknown>([1n], { deep: 1n }, [new Date(0)], { toJSON: () => undefined }, { toJSON: () => 'json' }),
  fc.constant(Buffer.from('hi')),
);
const value: fc.Arbitrary<unknown> = fc.oneof(text, number, json, oddValue);

const key = fc.constantFrom('a', 'b', 'n:c', 'n:c:x', 'n:c:y', 'é', 'a:meta:1', 'u*?[', ':', 'a:b:');
const streamKey = fc.constantFrom('s', 't', 'a');
const indexKey = fc.constantFrom('i', 'j', 'a');
const id = fc.constantFrom('1', '2', '3', 'x:y', 'é', '', '007');
const count = fc.constantFrom<unknown>(1, -1, 5, 1000, '5', 0, null, 1.5, 'x', undefined);

/** Names of values and names of what holds values: the two never meet, see the test of conflicts. */
const leaf = fc.constantFrom('l', 'm', 'at', 'name', '12', 'é', 'constructor', 'toString', ':');
const node = fc.constantFrom('n', 'stats', 'x:y');
/** Values that are no objects: those that are taken apart are in `branch`. */
const leafValue = fc.oneof(
  text,
  number,
  fc.boolean(),
  fc.constant(undefined),
  fc.constantFrom<unknown>([], [1, null], 7n),
);
const branch = fc.dictionary(leaf, leafValue, { maxKeys: 3 });
const tree: fc.Arbitrary<Record<string, unknown>> = fc
  .tuple(branch, fc.dictionary(node, fc.oneof(branch, fc.constant({})), { maxKeys: 2 }))
  .map(([leaves, nodes]) => Object.assign({}, leaves, nodes));
/** The same with dotted names, which are nesting too. */
const dotted = fc
  .tuple(
    tree,
    fc.dictionary(
      fc.tuple(node, leaf).map((path) => path.join('.')),
      leafValue,
      { maxKeys: 2 },
    ),
  )
  .map(([first, second]) => Object.assign({}, first, second));
const metadata = fc.oneof(
  { weight: 6, arbitrary: dotted },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(
      undefined,
      null,
      {},
      { version: 4 },
      { version: -5 },
      { l: null },
      { 'n.l': [1n] },
    ),
  },
);
const patch = fc.oneof(
  { weight: 8, arbitrary: tree },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(
      {},
      { l: null, m: null },
      { version: 9 },
      { 'n.l': 1 },
      null,
      undefined,
      'ab',
      [1],
    ),
  },
);
const filterValue = fc.oneof(text, number, fc.boolean(), fc.constantFrom<unknown>(null, undefined, {}, [1]));
const filter = fc.oneof(
  fc.dictionary(
    fc.oneof(leaf, fc.constant('n.l'), fc.constant('version')),
    fc.oneof(filterValue, fc.array(filterValue)),
    {
      maxKeys: 2,
    },
  ),
  fc.constant({ version: [0, 1, 2] }),
  fc.constant(null),
);
const page = fc.record(
  { offset: fc.constantFrom(0, 1, 2, -2), limit: fc.constantFrom(0, 1, 2, 5, -1, 1.5), filter },
  { requiredKeys: [] },
);

const streamId = fc.constantFrom('1000', '1000-0', '1000-1', '2000', '2000-3', '0-0', '$', 'x', '');
const instant = fc.constantFrom<unknown>(0, 999, 1000, 1500, 2000, -1, 1.5);
const range = fc.record(
  {
    types: fc.constantFrom<unknown>([], ['a'], ['unknown'], ['a', 'b'], [7]),
    after: streamId,
    before: streamId,
    from: instant,
    to: instant,
    limit: fc.constantFrom<unknown>(0, 1, 2, 1000, -1, 1.5, '2', Number.NaN),
    order: fc.constantFrom('asc', 'desc', 'DESC'),
  },
  { requiredKeys: [] },
);
const event = fc.oneof(
  fc.record(
    {
      type: fc.oneof(fc.constantFrom('a', 'b', ''), value),
      runId: text,
      flowName: text,
      data: value,
      attempt: number,
      stepName: value,
      extra: value,
      ts: number,
      id: text,
    },
    { requiredKeys: [] },
  ),
  fc.constantFrom<unknown>(null, {}, [1, 'x'], 'ab'),
);

const call = (method: string, ...args: Array<fc.Arbitrary<unknown>>): fc.Arbitrary<Call> =>
  fc.tuple(...args).map((given) => ({ method, args: given }));
const raw = (name: string, ...args: Array<fc.Arbitrary<string>>): fc.Arbitrary<Call> =>
  fc.tuple(...args).map((given) => ({ command: [name, ...given] }));

/** Random calls of every method, over few keys so that they meet. */
export const anyCall: fc.Arbitrary<Call> = fc.oneof(
  call('stream.append', streamKey, event),
  call('stream.read', streamKey, range),
  call('stream.delete', streamKey),
  call('kv.set', key, value, fc.constantFrom<unknown>(undefined, 0, null, 100, '60', -1, 1.5, Number.NaN)),
  call('kv.get', key),
  call('kv.delete', key),
  call('kv.increment', key, count),
  call('kv.clear', fc.constantFrom('*', 'n:*', 'a', '[ab]', 'u\\*\\?\\[', 'zzz', '')),
  call('index.add', indexKey, id, fc.oneof(number, fc.constantFrom<unknown>('5', 'x', null, undefined)), metadata),
  call('index.get', indexKey, id),
  call('index.read', indexKey, page),
  call('index.update', indexKey, id, patch),
  call('index.updateWithRetry', indexKey, id, patch, fc.constantFrom<unknown>(0, 1, -1, null)),
  call('index.increment', indexKey, id, fc.constantFrom<unknown>('l', 'n.l', 'fresh', 'version', '', undefined), count),
  call('index.delete', indexKey, id),
  raw('XADD', streamKey, fc.constantFrom('1000-0', '1000-1', '1500-0', '2000-0', '2000-3'), fc.constantFrom('type', 'ts', 'data'), text),
  raw('HSET', fc.tuple(indexKey, id).map(([of, one]) => `${of}:meta:${one}`), leaf, text),
  raw('HSET', fc.tuple(indexKey, id).map(([of, one]) => `${of}:meta:${one}`), fc.constant('version'), fc.constantFrom('', '007', '1.5', 'abc', '-0', ' 5', '-3', '41', '9223372036854775807', '1e3')),
  raw('SET', key, text),
); // prettier-ignore

/** Names that meet, replace and nest into one another. */
const meetingName = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    '',
    'a.b',
    '.a',
    'b.',
    'a.b.c',
    '..',
    'version',
    'version.a',
    'length',
    'constructor',
    'toString',
  ),
  fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 4 }),
);

/**
 * An object is the call's own, since the original writes into those under `version`. Lists and functions are left out:
 * what is below them is lost, but several such names can make the original throw.
 */
const ownValue = value
  .filter((one) => !Array.isArray(one) && typeof one !== 'function')
  .map((one) =>
    typeof one === 'object' && one !== null ? Object.assign(Object.create(Object.getPrototypeOf(one)), one) : one,
  );

/** Metadata of any names, nested up to three deep: only for writing, since the two stores read conflicts differently. */
export const anyMetadata: fc.Arbitrary<Record<string, unknown>> = fc.letrec<{ tree: Record<string, unknown> }>(
  (tie) => ({
    tree: fc.dictionary(
      meetingName,
      fc.oneof(
        { depthSize: 'small', maxDepth: 3, withCrossShrink: true },
        ownValue,
        fc.constantFrom(null, 0, '', 5, 'text', true),
        tie('tree'),
      ),
      { maxKeys: 5, noNullPrototype: true },
    ),
  }),
).tree;
