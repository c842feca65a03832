/** What a Nitro build has to be told about a package with native code. */
import { readFileSync } from 'node:fs';
import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The parts of Nitro's build options that are changed here. */
export interface NitroOptions {
  plugins?: string[];
  rollupConfig?: { external?: External } & Record<string, unknown>;
  externals?: { traceInclude?: string[] } & Record<string, unknown>;
}

/** What Nitro made of its options: `node` is false for runtimes that only imitate Node. */
export interface ResolvedOptions {
  node: boolean;
  preset: string;
}

type Pattern = string | RegExp;
type Decide = (source: string, importer: string | undefined, isResolved: boolean) => boolean | null | undefined | void;
type External = Pattern | Pattern[] | Decide;

/** A file, or one for each condition of the importer. */
type Target = string | { [condition: string]: Target };

interface Manifest {
  version: string;
  exports: Record<string, Target>;
}

/** Path of a file of ours, with slashes on Windows too, as Nitro writes paths into the imports it generates. */
const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url)).replaceAll(sep, '/');

const manifest = JSON.parse(readFileSync(file('../../package.json'), 'utf8')) as Manifest;

/** Version of this package. */
export const version: string = manifest.version;

/** Everything that servers import by name: the plugin the store, and the user's own code any entry. */
const BY_NAME = /^ferrodis(?:\/|$)/;

const filesOf = (target: Target): string[] =>
  typeof target === 'string' ? [target] : Object.values(target).flatMap(filesOf);

/** The files behind those names. The tracer takes nothing but absolute paths. */
const entries = Object.entries(manifest.exports)
  .flatMap(([name, target]) => (name === './nvent' ? [] : filesOf(target)))
  .filter((path) => /\.c?js$/.test(path))
  .map((path) => file(`../../${path.slice(2)}`));

/**
 * Adds our server plugin. At the front: the host asks for adapters in the first statement of its own plugin, and Nitro
 * starts plugins in order.
 */
export function addPlugin(nitro: NitroOptions): void {
  nitro.plugins = [file('./plugin.js'), ...(nitro.plugins ?? [])];
}

/**
 * Keeps this package out of the server bundle, and puts its files and the addon beside it. Nuxt has modules bundled with
 * all of their package, where the addon would not be found.
 */
export function keepNativeOutside(nitro: NitroOptions): void {
  const { rollupConfig = {}, externals = {} } = nitro;
  nitro.rollupConfig = { ...rollupConfig, external: withNative(rollupConfig.external) };
  nitro.externals = { ...externals, traceInclude: [...(externals.traceInclude ?? []), ...entries] };
}

function withNative(external: External | undefined): External {
  if (typeof external === 'function') {
    return (source, ...rest) => BY_NAME.test(source) || external(source, ...rest);
  }
  return [...(external === undefined ? [] : [external].flat()), BY_NAME];
}

/** @throws Error where the server is built for a runtime that cannot load an addon: edge workers */
export function refuseWithoutNode({ node, preset }: ResolvedOptions): void {
  if (node) return;
  throw new Error(
    `ferrodis/nvent: the Nitro preset "${preset}" cannot load native addons. ` +
      'Choose one that runs on Node.js, Bun or Deno, such as "node-server", or another store adapter for nvent.',
  );
}
