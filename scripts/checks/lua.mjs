/** Lints the Lua scripts, as they are sent to the server, with Debian's luacheck. */
import { join } from 'node:path';
import { aptInstall, exists, main, root, run } from '../lib/shell.mjs';

main(async () => {
  if (!(await exists('luacheck'))) await aptInstall('lua-check').catch((error) => console.log(error.message));
  if (!(await exists('luacheck'))) {
    console.log('luacheck is not here and cannot be installed: the Lua scripts were not linted');
    return;
  }
  await run('luacheck', ['--quiet', '.'], { cwd: join(root, 'lua') });
});
