/** Runs the JavaScript tests on further servers: the newest Valkey and the oldest Redis we promise. */
import { main, run, say } from '../lib/shell.mjs';
import { unpackServer } from '../lib/server.mjs';

main(async () => {
  for (const program of ['valkey-server', 'redis-server-6.2']) {
    const binary = await unpackServer(program);
    say((await run(binary, ['--version'], { capture: true })).trim());
    await run(process.execPath, ['scripts/test.mjs', '__test__/contract'], { env: { REDIS_SERVER_BIN: binary } });
  }
});
