/** Lints the Lua scripts, as they are sent to the server, with Debian's luacheck. */
import { join } from 'node:path';
import { exists, main, root, run, say } from '../lib/shell.mjs';

main(async () => {
  if (!(await exists('luacheck')) && process.getuid?.() === 0 && (await exists('apt-get'))) {
    say('installing lua-check from Debian');
    await run('apt-get', ['update', '-qq'], { capture: true });
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'lua-check'], { capture: true });
  }
  if (!(await exists('luacheck'))) {
    console.log('luacheck is not here and cannot be installed: the Lua scripts were not linted');
    return;
  }
  await run('luacheck', ['--quiet', '.'], { cwd: join(root, 'lua') });
});
