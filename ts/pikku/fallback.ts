/** The backend of a brought client: native, and for what the server refuses to its user, the client itself. */
import type { Backend } from './backend.js';
import type { Link } from './link.js';

const METHODS: readonly Exclude<
  keyof Backend,
  'takeLock' | 'takeStepLock' | 'takeRunLock' | 'releaseLock' | 'renewLock'
>[] = [
  'createRun',
  'getRun',
  'updateRun',
  'insertStep',
  'getStep',
  'moveStep',
  'setStepField',
  'retryStep',
  'claimStep',
  'listSteps',
  'graphSteps',
  'nodeResults',
  'nodesExist',
  'setRunState',
  'getRunState',
  'upsertVersion',
  'setVersionStatus',
  'getVersion',
  'agentVersions',
  'stalledRuns',
  'undispatchedSteps',
];

type Method = (...args: unknown[]) => Promise<unknown>;

/** `native`, with `driven` in its place for what is refused. A lock is renewed and given back by what has taken it. */
export function withFallback(link: Link, native: Backend, driven: Backend): Backend {
  let locks = native;
  const take = <T>(attempt: (backend: Backend) => Promise<T>): Promise<T> =>
    link.either(
      'lock',
      () => attempt(native),
      () => {
        locks = driven;
        return attempt(driven);
      },
    );
  const backend: Partial<Record<keyof Backend, unknown>> = {
    takeLock: (...args: Parameters<Backend['takeLock']>) => take((each) => each.takeLock(...args)),
    takeStepLock: (...args: Parameters<Backend['takeStepLock']>) => take((each) => each.takeStepLock(...args)),
    takeRunLock: (...args: Parameters<Backend['takeRunLock']>) => take((each) => each.takeRunLock(...args)),
    releaseLock: (...args: Parameters<Backend['releaseLock']>) => locks.releaseLock(...args),
    renewLock: (...args: Parameters<Backend['renewLock']>) => locks.renewLock(...args),
  };
  for (const name of METHODS) {
    const [own, other] = [native[name] as Method, driven[name] as Method];
    backend[name] = (...args: unknown[]) =>
      link.either(
        name,
        () => own.apply(native, args),
        () => other.apply(driven, args),
      );
  }
  return backend as unknown as Backend;
}
