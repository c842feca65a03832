/** `ferrodis`: connection options, errors, and every drop-in class under its upstream name. */
export * from './errors.js';
export type { ConnectionOptions, TlsOptions } from './options.js';
