// `npm run bench [-- OPTIONS]`: copies an image between three Ceph clusters of its own, by Entrepot and by
// the tools people use today, in turns, and compares what it takes. `--help` shows the options.
import { bench, say } from './bench.ts';
import { parseOptions, USAGE } from './options.ts';

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

const interruption = new AbortController();
for (const [name, code] of Object.entries(SIGNALS)) {
  process.on(name, () => {
    // The second time nothing is waited for; what is left to do at exit is done.
    if (interruption.signal.aborted) process.exit(code);
    say('stopping, and removing what was made');
    process.exitCode = code;
    interruption.abort(new Error('interrupted'));
  });
}
try {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') console.log(USAGE);
  else await bench(options, interruption.signal);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode ??= 1;
}
