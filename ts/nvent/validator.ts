/** The check of update payloads that nvent's host gives its adapters, for the class on its own. */
import process from 'node:process';

/** Looks at what is about to be written to an entry. */
export interface UpdateValidator {
  /** @param method names the caller in messages, as `index.update` @throws Error for a key with dots */
  validateUpdatePayload(payload: unknown, method: string): void;
}

/** What the validator does about what it finds. */
export interface UpdateValidatorOptions {
  /** Warn about numbers that look like counters. Default: when `NODE_ENV` is `development` now. */
  warnCounters?: boolean;
  /** Throw on dotted keys, rather than only print. Default true. */
  throwOnError?: boolean;
}

const NO_COUNTERS = new Set(['stepCount', 'timeout', 'delay', 'timestamp', 'score', 'priority', 'version']);
const COUNTER = /count|total|running|awaiting|success|failure|cancel|pending|completed|failed|retries|attempts/;

/**
 * A validator that refuses keys with dots, which an update would take for nesting, and in development warns about
 * numbers for which `index.increment()` would be the right call.
 */
export function createStoreValidator(adapterName: string, options: UpdateValidatorOptions = {}): UpdateValidator {
  const { warnCounters = process.env['NODE_ENV'] === 'development', throwOnError = true } = options;

  const check = (payload: object, method: string, parents: string[]): void => {
    for (const [key, value] of Object.entries(payload)) {
      const path = [...parents, key];
      if (key.includes('.')) {
        console.error(
          [
            `[${adapterName}] Invalid update payload in ${method}:`,
            `Dot notation key "${key}" detected at path "${path.join('.')}".`,
            `Keys should not contain dots. Split "${key}" into nested objects: ${nestedForm(key)}`,
          ].join('\n'),
        );
        if (throwOnError) {
          throw new Error(
            `Invalid index update: dot notation keys not supported. Key "${key}" at path "${path.join('.')}" contains dots.`,
          );
        }
      }
      if (warnCounters && isCounter(key, path, value)) {
        console.warn(
          `[${adapterName}] Potential counter misuse in ${method}:`,
          `Field "${path.join('.')}" is numeric.`,
          `Consider using index.increment() for atomic updates instead of ${method}.`,
        );
      }
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) check(value, method, path);
    }
  };

  return { validateUpdatePayload: (payload, method) => check(payload as object, method, []) };
}

function isCounter(key: string, path: string[], value: unknown): boolean {
  if (typeof value !== 'number' || path.includes('emittedEvents')) return false;
  if (NO_COUNTERS.has(key) || key.endsWith('At')) return false;
  return COUNTER.test(key.toLowerCase()) || path.includes('stats');
}

/** How the key would be written nested, in the words of nvent's host: `a.b` is `{ a: { b: value } }`. */
function nestedForm(key: string): string {
  const [first, ...rest] = key.split('.');
  return `{ ${first}: ${rest.map((name) => `{ ${name}: `).join('')}value ${'}'.repeat(rest.length)} }`;
}
