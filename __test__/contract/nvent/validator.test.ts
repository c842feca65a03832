import { createStoreValidator } from 'ferrodis/nvent/native';
import { afterEach, describe, expect, it, vi } from 'vitest';

const error = vi.spyOn(console, 'error').mockImplementation(() => {});
const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});

afterEach(() => {
  error.mockClear();
  warn.mockClear();
  vi.unstubAllEnvs();
});

describe('the validator of updates', () => {
  it('refuses the first key with dots, wherever it is but in lists', () => {
    const validator = createStoreValidator('Adapter');
    const payload = { list: [{ 'x.y': 1 }], ok: { deep: { 'a.b.c': undefined } }, 'd.e': 1 };
    expect(() => validator.validateUpdatePayload(payload, 'index.update')).toThrow(
      'Invalid index update: dot notation keys not supported. Key "a.b.c" at path "ok.deep.a.b.c" contains dots.',
    );
    expect(error.mock.calls).toEqual([
      [
        '[Adapter] Invalid update payload in index.update:\n' +
          'Dot notation key "a.b.c" detected at path "ok.deep.a.b.c".\n' +
          'Keys should not contain dots. Split "a.b.c" into nested objects: { a: { b: { c: value }} }',
      ],
    ]);
  });

  it('only prints when it shall not throw', () => {
    const validator = createStoreValidator('Adapter', { throwOnError: false });
    validator.validateUpdatePayload({ 'a.b': 1 }, 'm');
    expect(error.mock.calls[0]?.[0]).toContain('{ a: { b: value } }');
  });

  it('fails on what is no payload as JavaScript does', () => {
    const { validateUpdatePayload } = createStoreValidator('Adapter');
    expect(() => validateUpdatePayload(null, 'm')).toThrow('Cannot convert undefined or null to object');
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(() => validateUpdatePayload(cycle, 'm')).toThrow(RangeError);
  });

  it('warns about counters in development', () => {
    vi.stubEnv('NODE_ENV', 'development');
    const validator = createStoreValidator('Adapter');
    const payload = {
      runCount: 1,
      stepCount: 1,
      failedAt: 1,
      text: 'count',
      stats: { x: 1, version: 2 },
      emittedEvents: { completed: 1 },
      plain: 5,
    };
    validator.validateUpdatePayload(payload, 'index.update');
    expect(warn.mock.calls.map(([, field]) => field)).toEqual([
      'Field "runCount" is numeric.',
      'Field "stats.x" is numeric.',
    ]);
    expect(warn.mock.calls[0]).toEqual([
      '[Adapter] Potential counter misuse in index.update:',
      'Field "runCount" is numeric.',
      'Consider using index.increment() for atomic updates instead of index.update.',
    ]);
  });

  it('decides about warnings when it is made', () => {
    vi.stubEnv('NODE_ENV', 'production');
    const validator = createStoreValidator('Adapter');
    vi.stubEnv('NODE_ENV', 'development');
    validator.validateUpdatePayload({ total: 1 }, 'm');
    expect(warn).not.toHaveBeenCalled();
  });
});
