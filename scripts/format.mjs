/** `npm run format`: Rust by rustfmt, everything else by prettier. `-- --check` changes nothing and fails on a difference. */
import { main, run, tool } from './lib/shell.mjs';
import { installDependencies } from './lib/setup.mjs';

main(async () => {
  const check = process.argv.includes('--check');
  await installDependencies();
  await run('cargo', ['fmt', ...(check ? ['--check'] : [])]);
  await run(tool('prettier'), ['--log-level=warn', check ? '--check' : '--write', '.']);
});
