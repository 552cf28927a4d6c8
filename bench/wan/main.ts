// `npm run bench:wan [-- OPTIONS]`: brings images from site to site over links that are slow, long or lossy, by Entrepot
// and by others, in turns, and tells how much of the link each made use of. `--help` shows the options.
import { runCommand } from '../common/command.ts';
import { bench } from './bench.ts';
import { parseOptions, USAGE } from './options.ts';

await runCommand({ usage: USAGE, parse: parseOptions, run: bench });
