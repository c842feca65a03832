import { createRequire } from 'node:module';

import { expect, it } from 'vitest';

import manifest from '../../package.json' with { type: 'json' };

const entries = Object.entries(manifest.exports)
  .filter(([, conditions]) => typeof conditions === 'object' && 'require' in conditions)
  .map(([path]) => path);

it.each(entries)(
  '%s, which is built for both module systems, gives the same by import and by require',
  async (path) => {
    const specifier = `ferrodis${path.slice(1)}`;
    const imported = Object.keys(await import(/* @vite-ignore */ specifier));
    const required = Object.keys(createRequire(import.meta.url)(specifier));
    const own = (names: string[]): string[] => names.filter((name) => name !== '__esModule').sort();
    expect(own(required)).toEqual(own(imported));
  },
);
