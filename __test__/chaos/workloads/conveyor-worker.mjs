/** A process that leases jobs and completes them, and tells its parent of both. */
import { setTimeout as elapse } from 'node:timers/promises';

import { RedisStore } from 'ferrodis/conveyor';

const { connection, queue, lease } = JSON.parse(process.argv[2] ?? '');
const nothing = () => undefined;
const logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const store = new RedisStore({ connection, logger });
const name = `worker-${process.pid}`;
/** @param {object} what */
const tell = (what) => void process.send?.(what);

const connected = () =>
  store.connect().then(
    () => true,
    () => false,
  );

// A server that is out of memory refuses it.
while (!(await connected())) await elapse(100);
for (;;) {
  const job = await store.fetchNextJob(queue, name, lease).catch(() => null);
  if (job === null) {
    await elapse(10);
    continue;
  }
  tell({ started: job.id });
  await elapse(1);
  const completion = { state: 'completed', completedAt: new Date(), lockedBy: null, lockUntil: null };
  await store.updateJob(queue, job.id, /** @type {object} */ (completion)).then(
    () => tell({ completed: job.id }),
    () => undefined,
  );
}
