/** Runs the JavaScript tests on further servers: the newest Valkey and the oldest Redis we promise. */
import { main, run, say } from '../lib/shell.mjs';
import { unpackServer } from '../lib/server.mjs';

/** What runs on each. A node of Redis 6.2 cannot be told the port of its bus, which a test of clusters has to do. */
const servers = { 'valkey-server': [], 'redis-server-6.2': ['--project', 'loop'] };

main(async () => {
  const failed = [];
  for (const [program, which] of Object.entries(servers)) {
    const binary = await unpackServer(program);
    say((await run(binary, ['--version'], { capture: true })).trim());
    const tests = ['scripts/test.mjs', '__test__/contract', ...which];
    await run(process.execPath, tests, { env: { REDIS_SERVER_BIN: binary } }).catch((error) => failed.push(error));
  }
  if (failed.length > 0) throw failed[0];
});
