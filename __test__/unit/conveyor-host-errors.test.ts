import { beforeEach, describe, expect, it, vi } from 'vitest';

class InvalidJobStateError extends Error {}
class MetricsDisabledError extends Error {}

/** The module anew, so that nothing is cached from the test before. */
async function load() {
  vi.resetModules();
  const { loadHostErrors, OWN_ERRORS } = await import('../../ts/conveyor/errors.js');
  return { own: OWN_ERRORS, found: await loadHostErrors(), again: await loadHostErrors() };
}

beforeEach(() => {
  vi.doUnmock('@conveyor/shared');
  vi.doUnmock('@jsr/conveyor__shared');
});

describe("the host's error classes", () => {
  it.each(['@conveyor/shared', '@jsr/conveyor__shared'])('come from %s', async (name) => {
    vi.doMock(name, () => ({ InvalidJobStateError, MetricsDisabledError }));
    const { found, again } = await load();
    expect(found).toEqual({ InvalidJobStateError, MetricsDisabledError });
    expect(again).toBe(found);
  });

  it('are completed by ours where the host has none of that name', async () => {
    vi.doMock('@conveyor/shared', () => ({ InvalidJobStateError, MetricsDisabledError: undefined }));
    const { found, own } = await load();
    expect(found).toEqual({ InvalidJobStateError, MetricsDisabledError: own.MetricsDisabledError });
  });

  it('are ours where there is no host', async () => {
    const { found, own } = await load();
    expect(found).toBe(own);
  });
});
