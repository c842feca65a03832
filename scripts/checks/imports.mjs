/** Checks that every file imports only what its layer may. The layers are drawn in docs/architecture.md. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { main, root } from '../lib/shell.mjs';

const ecosystems = ['nvent', 'conveyor', 'pikku', 'ayepi', 'go_go_scope'];
const others = (name) => ecosystems.filter((other) => other !== name).join('|') || 'none';
const anyEcosystem = ecosystems.join('|');

/** Rust: a pattern of paths, and what must not be named there. `crate::redis` is ours, `redis::` the library. */
const rust = [
  [/^src\/(?!bridge\/|lib\.rs)/, /(?<![\w:])(napi|napi_derive|libc)::|crate::bridge\b/, 'the N-API boundary'],
  [/^src\/error\.rs$/, /crate::(?!error\b)\w+/, 'another layer'],
  [/^src\/redis\//, new RegExp(`crate::(${anyEcosystem})\\b|(?<![\\w:])serde_json::`), 'an ecosystem or JSON'],
  ...ecosystems.map((name) => [
    new RegExp(`^src/${name}/`),
    new RegExp(`crate::(${others(name)})\\b|(?<![\\w:])(::redis|redis|tokio|rustls)::`),
    'another ecosystem, or a connection without src/redis',
  ]),
];

/** TypeScript: a pattern of paths, and the imports (relative ones as paths from the top) that are allowed. */
const folderOf = (name) => name.replaceAll('_', '-');
/** Files right below `ts/` that every ecosystem may share: not what carries calls, nor what is an entry itself. */
const core = `ts/(brought/[\\w-]+|(?!(native|calls|shared-link|index|testing|${ecosystems.map(folderOf).join('|')})\\b)[\\w-]+)\\.js$`;
const typescript = [
  [/^ts\/native\.ts$/, /^(index\.js|node:)/],
  [/^ts\/index\.ts$/, /^ts\/(?!native)/],
  [/^ts\/testing(\.ts|\/)/, /^(node:|ts\/testing\b|ts\/errors\b)/],
  ...ecosystems.map(folderOf).map((name) => {
    const host =
      {
        conveyor: '@conveyor/|',
        nvent: '@nuxt/kit$|nuxt/schema$|#imports$|ferrodis/nvent/native$|',
        pikku: '@pikku/core\\b|',
      }[name] ?? '';
    return [new RegExp(`^ts/${name}(\\.ts|/)`), new RegExp(`^(${host}node:|${core}|ts/${name}\\b)`)];
  }),
  [/^ts\//, new RegExp(`^(node:|ts/(native|calls|shared-link)\\b|${core})`)],
  [/^__test__\/(?!unit\/|bridge\/)/, /^(?!(src|ts|dist)\/|index\.js)/],
  [/^(demo|examples)\//, /^(node:|ferrodis|demo\/|examples\/|@pikku\/core\/|ioredis5$)/],
];

const filesIn = (folder, pattern) =>
  (existsSync(join(root, folder)) ? readdirSync(join(root, folder), { recursive: true }) : [])
    .map((name) => posix.join(folder, name))
    .filter((name) => pattern.test(name) && !name.includes('/node_modules/'));

/** Source without comments, which may name anything. */
const code = (file) => readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, '$1');

function* rustViolations() {
  for (const file of filesIn('src', /\.rs$/)) {
    for (const [where, forbidden, what] of rust) {
      const found = where.test(file) && forbidden.exec(code(file));
      if (found) yield `${file} names ${found[0]} (${what})`;
    }
  }
}

function* typescriptViolations() {
  for (const file of ['ts', '__test__', 'demo', 'examples'].flatMap((folder) => filesIn(folder, /\.m?[tj]s$/))) {
    const [, allowed] = typescript.find(([where]) => where.test(file)) ?? [];
    const imports = /(?:^(?:import|export)\s+(?:[\w*{}\s,]+\sfrom\s+)?|\bimport\()['"]([^'"]+)['"]/gm;
    for (const [, from] of code(file).matchAll(imports)) {
      const target = from.startsWith('.') ? posix.join(posix.dirname(file), from) : from;
      if (allowed && !allowed.test(target)) yield `${file} imports ${target}`;
    }
  }
}

main(async () => {
  const violations = [...rustViolations(), ...typescriptViolations()];
  for (const violation of violations) console.error(`✗ ${violation}`);
  if (violations.length > 0) process.exitCode = 1;
});
