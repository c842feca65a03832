/** What a Nitro build has to be told about a package with native code. */
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

/** The name under which the plugin imports the store. */
const NATIVE_ENTRY = 'ferrodis/nvent/native';

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/**
 * Adds our server plugin. At the front: the host asks for adapters in the first statement of its own plugin, and Nitro
 * starts plugins in order.
 */
export function addPlugin(nitro: NitroOptions): void {
  nitro.plugins = [file('./plugin.js'), ...(nitro.plugins ?? [])];
}

/**
 * Keeps the store out of the server bundle, and puts its files and the addon beside it. Nuxt has modules bundled with
 * all of their package, and Rollup cannot read an addon.
 */
export function keepNativeOutside(nitro: NitroOptions): void {
  const { rollupConfig = {}, externals = {} } = nitro;
  nitro.rollupConfig = { ...rollupConfig, external: withNative(rollupConfig.external) };
  nitro.externals = { ...externals, traceInclude: [...(externals.traceInclude ?? []), file('./native.js')] };
}

function withNative(external: External | undefined): External {
  if (typeof external === 'function') {
    return (source, ...rest) => source === NATIVE_ENTRY || external(source, ...rest);
  }
  return [...(external === undefined ? [] : [external].flat()), NATIVE_ENTRY];
}

/** @throws Error where the server is built for a runtime that cannot load an addon: edge workers */
export function refuseWithoutNode({ node, preset }: ResolvedOptions): void {
  if (node) return;
  throw new Error(
    `ferrodis/nvent: the Nitro preset "${preset}" cannot load native addons. ` +
      'Choose one that runs on Node.js, Bun or Deno, such as "node-server", or another store adapter for nvent.',
  );
}
