import { deepStrictEqual } from 'node:assert/strict';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Layout } from '../../ts/nvent/metadata.js';
import { SEED } from '../support/seed.js';

const build = (names: string[], values: unknown[] = names): unknown => new Layout(names).build(values);

/** How often a value is found anywhere in an object. */
function occurrences(of: unknown, within: unknown): number {
  if (typeof within !== 'object' || within === null) return within === of ? 1 : 0;
  return Object.values(within).reduce((sum, inner) => sum + occurrences(of, inner), 0);
}

describe('the layout of an entry', () => {
  it('nests dotted names', () => {
    expect(build(['a', 'b.c', 'b.d.e', 'f', 'b.d.g'], [1, 2, 3, 4, 5])).toEqual({
      a: 1,
      b: { c: 2, d: { e: 3, g: 5 } },
      f: 4,
    });
  });

  it('leaves the rest of a name whole below a value', () => {
    expect(build(['a.b', 'a', 'n.a.b.c', 'n.a.b'], [1, 2, 3, 4])).toEqual({
      a: 2,
      'a.b': 1,
      n: { a: { b: 4, 'b.c': 3 } },
    });
  });

  it('serves one entry after another', () => {
    const layout = new Layout(['a', 'b.c']);
    const first = layout.build([1, 2]);
    expect(layout.build([3, 4])).toEqual({ a: 3, b: { c: 4 } });
    expect(first).toEqual({ a: 1, b: { c: 2 } });
  });

  it('keeps every value once, and is the same for every order of the fields', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 7 });
    const fields = fc.uniqueArray(name, { maxLength: 10 });
    fc.assert(
      fc.property(
        fields.chain((names) => fc.tuple(fc.constant(names), fc.shuffledSubarray(names, { minLength: names.length }))),
        ([names, shuffled]) => {
          const metadata = build(names);
          deepStrictEqual(build(shuffled), metadata);
          for (const each of names) expect(occurrences(each, metadata)).toBe(1);
        },
      ),
      { numRuns: 2000, seed: SEED },
    );
  });
});
