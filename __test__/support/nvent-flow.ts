import type { StoreAdapter } from 'ferrodis/nvent/native';

/** Registers the flow that is run. */
export async function registerFlow(store: StoreAdapter): Promise<void> {
  await store.index.add('nvent:flows', 'order', 1, { version: 1, name: 'order', stats: { total: 0, running: 0 } });
}

/**
 * The calls that nvent's host 0.5.15 makes for one run of a flow with two steps and one emit, one after the other, when
 * nothing else runs: section 4.2 of the contract. The host itself is not published.
 */
export async function runFlow(store: StoreAdapter, runId: string): Promise<void> {
  const { stream, index, kv } = store;
  const events = `nvent:flow:run:${runId}`;
  const runs = 'nvent:flow:runs:order';
  const job = `stall-timeout:${runId}`;

  const append = async (type: string): Promise<void> => {
    await stream.append(events, { type, runId, flowName: 'order', data: { some: ['data'] } });
  };
  const schedule = async (): Promise<void> => {
    await kv.set(`nvent:scheduler:jobs:${job}`, { id: job });
    await index.add('nvent:scheduler:jobs', job, Date.now(), { id: job, metadata: { runId } });
    await kv.get(`nvent:scheduler:stats:${job}`);
    await kv.set(`nvent:scheduler:stats:${job}`, { runCount: 0 });
  };
  const unschedule = async (): Promise<void> => {
    await kv.delete(`nvent:scheduler:jobs:${job}`);
    await kv.delete(`nvent:scheduler:stats:${job}`);
    await index.delete('nvent:scheduler:jobs', job);
    await kv.delete(`nvent:scheduler:lock:${job}`);
  };
  const reschedule = async (): Promise<void> => {
    await unschedule();
    await schedule();
  };
  const tail = async (): Promise<void> => {
    await index.get('nvent:flows', 'order');
  };
  const completeStep = async (last: boolean): Promise<void> => {
    await append('step.completed');
    await reschedule();
    await index.increment(runs, runId, 'completedSteps');
    await index.get(runs, runId);
    await stream.read(events);
    await stream.read(events);
    await index.get(runs, runId);
    await index.updateWithRetry(runs, runId, { status: 'running', stepCount: 2 });
    if (last) await index.get(runs, runId);
    await tail();
  };

  await append('flow.start');
  await index.add(runs, runId, Date.now(), { status: 'running', emittedEvents: {} });
  await schedule();
  await index.increment('nvent:flows', 'order', 'stats.total');
  await index.increment('nvent:flows', 'order', 'stats.running');
  await index.updateWithRetry('nvent:flows', 'order', { lastRunAt: Date.now() });
  await tail();

  await append('step.started');
  await reschedule();
  await tail();

  await append('emit');
  await index.updateWithRetry(runs, runId, { emittedEvents: { order: { placed: Date.now() } } });
  await tail();

  await completeStep(false);

  await append('step.started');
  await reschedule();
  await tail();

  await completeStep(true);

  await append('flow.completed');
  await index.read('nvent:scheduler:jobs', { limit: 10_000 });
  await unschedule();
  await index.increment('nvent:flows', 'order', 'stats.success');
  await index.increment('nvent:flows', 'order', 'stats.running', -1);
  await index.updateWithRetry('nvent:flows', 'order', { lastCompletedAt: Date.now() });
  await tail();
}
