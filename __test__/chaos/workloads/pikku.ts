/** Pikku: runs of three steps, by services that fight for the lock of each run. */
import { setTimeout as elapse } from 'node:timers/promises';

import { openService, type OpenService } from '../../support/pikku/workflow.js';
import type { Calls } from '../calls.js';
import type { Random } from '../random.js';
import type { Workload, World } from '../world.js';

const SERVICES = 3;
const STEPS = ['reserve', 'pay', 'ship'];

/** Times that a step of a call that failed is asked for again, as a queue would. */
const ASKED_AGAIN = 200;

export async function open(world: World, calls: Calls, random: Random): Promise<Workload> {
  const options = { wireQueues: false, runLockWait: 60_000 };
  const services = Array.from({ length: SERVICES }, () => openService(world.connection, 'pikku', options));
  const pauses = random.fork();
  const complete: string[] = [];
  const inside = new Map<string, number>();
  const broken: string[] = [];

  /** Asks until there is an answer, as the host's queue does with a job that fails. */
  const surely = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
    for (let attempt = 1; attempt <= ASKED_AGAIN; attempt++) {
      const ending = await calls.try(name, call);
      if (ending.is === 'ok') return ending.value;
      await elapse(20);
    }
    throw new Error(`${name} fails for good`);
  };

  const step = async (service: OpenService, run: string, name: string): Promise<void> => {
    const state = await surely('insertStepState', () =>
      service.insertStepState(run, name, 'rpc', { name }, { retries: 1 }),
    );
    if (state.status === 'succeeded') return;
    await surely('setStepRunning', () => service.setStepRunning(state.stepId));
    await surely('setStepResult', () => service.setStepResult(state.stepId, `${name} of ${run}`));
  };

  /** One execution of the run's body, under its lock. */
  const body = async (service: OpenService, run: string): Promise<void> => {
    await service.withRunLock(run, async () => {
      const now = (inside.get(run) ?? 0) + 1;
      inside.set(run, now);
      if (now > 1) broken.push(`V8: ${now} hold the lock of one run`);
      try {
        for (const name of STEPS) await step(service, run, name);
        await surely('updateRunStatus', () => service.updateRunStatus(run, 'completed', { run }));
      } finally {
        inside.set(run, (inside.get(run) ?? 1) - 1);
      }
    });
  };

  const use = async (end: AbortSignal, service: OpenService): Promise<void> => {
    while (!end.aborted) {
      const run = await surely('createRun', () => service.createRun('flow', { n: 1 }, true, 'hash', { type: 'test' }));
      // Two services are told of the run at the same time, as happens when a queue delivers a job twice.
      const both = [service, pauses.of(services)];
      await Promise.all(both.map((each) => surely('withRunLock', () => body(each, run))));
      complete.push(run);
      await elapse(pauses.between(0, 5));
    }
  };

  const facts: Record<string, number> = {};
  return {
    facts,
    async run(end) {
      await Promise.all(services.map((service) => use(end, service)));
      facts['runs'] = complete.length;
    },
    async violations(lossy) {
      if (lossy) return []; // A lock is lost like any other write.
      const [service] = services as [OpenService];
      for (const run of complete) {
        const state = await service.getRun(run);
        if (state?.status !== 'completed') broken.push(`V13: run ${run} is ${state?.status ?? 'gone'}`);
        const history = await service.getRunHistory(run);
        for (const name of STEPS) {
          const its = history.filter(({ stepName }) => stepName === name);
          if (its.at(-1)?.status !== 'succeeded')
            broken.push(`V13: ${name} of ${run} is ${its.at(-1)?.status ?? 'gone'}`);
          if (its.at(-1)?.result !== `${name} of ${run}`) broken.push(`V13: ${name} of ${run} has another result`);
          if (its.length !== 1) broken.push(`V13: ${name} of ${run} has ${its.length} attempts`);
        }
      }
      return broken;
    },
    async close() {
      await Promise.all(services.map((service) => service.close()));
    },
  };
}
