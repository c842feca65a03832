/** The packages of a fixture: an installation of a user's, with a version of `@pikku/core` and our package beside it. */
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const FIXTURES = new URL('../../fixtures/', import.meta.url);

/** Fixtures by the version of `@pikku/core` in them. */
export const CORES = ['0.12.3', '0.12.8', '0.12.37', '0.12.84'];

/** The newest host that the original works with; its original is `@pikku/redis` 0.12.18. */
export const LATEST = '0.12.84';

/** Modules of a fixture, imported as its own files would import them. */
export class Packages {
  #require;

  /** @param {string} core version of `@pikku/core` */
  constructor(core) {
    this.#require = createRequire(fileURLToPath(new URL(`pikku-${core}/`, FIXTURES)));
  }

  /**
   * @param {string} specifier
   * @returns {Promise<any>} its namespace
   */
  import(specifier) {
    return import(pathToFileURL(this.#require.resolve(specifier)).href);
  }

  /**
   * The first of several modules that the fixture has: entries of `@pikku/core` moved between versions.
   *
   * @param {string[]} specifiers
   * @returns {Promise<any>}
   */
  async first(...specifiers) {
    for (const specifier of specifiers) {
      try {
        return await this.import(specifier);
      } catch (error) {
        const { code } = /** @type {NodeJS.ErrnoException} */ (error);
        if (code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error;
      }
    }
    throw new Error(`none of ${specifiers.join(', ')} is there`);
  }

  /**
   * The package of a store: ours, or the original.
   *
   * @param {'ferrodis' | 'original'} store
   * @returns {Promise<any>}
   */
  store(store) {
    return this.import(store === 'ferrodis' ? 'ferrodis/pikku' : '@pikku/redis');
  }
}
