import { parseArgs } from 'node:util';
import { namesOf, wholeNumber } from '../common/arguments.ts';
import { congestionControls } from './congestion.ts';
import { type LinkSpec, parseLink } from './link-spec.ts';
import type { TcpSettings } from './site-calls.ts';
import type { Emulation } from './topology.ts';

const TCP_CONNECTIONS = [1, 4, 8] as const;

export const METHOD_NAMES = [
  ...TCP_CONNECTIONS.map((connections) => `tcp-${connections}`),
  'ssh',
  'pull',
  'push',
  'push-on',
  'pull-compressible',
];

/** Of `tcp-N`; undefined of the others. */
export function connectionsOf(method: string): number | undefined {
  return TCP_CONNECTIONS.find((connections) => method === `tcp-${connections}`);
}

export interface Options {
  readonly links: readonly LinkSpec[];
  readonly pairs: number;
  /** Of an image; undefined: as the link is. */
  readonly sizeBytes: number | undefined;
  readonly only: readonly string[];
  readonly store: 'file' | 'rbd';
  /** Undefined: the kernel's own where it has one. */
  readonly emulation: Emulation | undefined;
  readonly tcp: TcpSettings;
  /** Where the figures of every run are written to. */
  readonly json: string | undefined;
}

const MIB = 1024 * 1024;
const DEFAULT_LINKS = '100mbit/50ms/0.1%,1gbit/20ms,1gbit/80ms';
const DEFAULT_PAIRS = 3;
/** What distributions have for a long time, whatever the kernel that this runs on was built with. */
const DEFAULT_CONGESTION = 'cubic';
const DEFAULT_READ_MIB = 6;
const DEFAULT_WRITE_MIB = 4;

export const USAGE = `npm run bench:wan -- [OPTIONS]
  --links LINK,...      rate/round trip[/loss] of each (${DEFAULT_LINKS})
  --pairs N             how often each way of bringing data over is run, in turns (${DEFAULT_PAIRS})
  --size-mib N          size of an image, all of it data (what the link takes in 20 s, at most 1024)
  --only NAME,...       of: ${METHOD_NAMES.join(', ')}
  --store rbd|file      what the sites have: Ceph clusters, or folders (rbd)
  --congestion NAME     what TCP's senders go by (${DEFAULT_CONGESTION})
  --tcp-memory-mib N    the most memory of a connection, each way (${DEFAULT_READ_MIB} to read, ${DEFAULT_WRITE_MIB} to write, as Linux comes)
  --emulation netem|tun who carries the packets (netem, where the kernel has it)
  --json FILE           write the figures of every run to a file`;

/** Throws an Error whose message says what is wrong with the arguments. */
export function parseOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      links: { type: 'string', default: DEFAULT_LINKS },
      pairs: { type: 'string', default: String(DEFAULT_PAIRS) },
      'size-mib': { type: 'string' },
      only: { type: 'string' },
      store: { type: 'string', default: 'rbd' },
      congestion: { type: 'string', default: DEFAULT_CONGESTION },
      'tcp-memory-mib': { type: 'string' },
      emulation: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const size = values['size-mib'];
  return {
    links: values.links.split(',').map(parseLink),
    pairs: wholeNumber('--pairs', values.pairs, 1),
    sizeBytes: size === undefined ? undefined : wholeNumber('--size-mib', size, 1) * MIB,
    only: values.only === undefined ? METHOD_NAMES : namesOf('--only', values.only, METHOD_NAMES),
    store: oneOf('--store', values.store, ['rbd', 'file']),
    emulation:
      values.emulation === undefined
        ? undefined
        : oneOf<Emulation>('--emulation', values.emulation, ['netem', 'tun']),
    tcp: tcpOf(values.congestion, values['tcp-memory-mib']),
    json: values.json,
  };
}

function tcpOf(congestion: string, memory: string | undefined): TcpSettings {
  const mib = memory === undefined ? undefined : wholeNumber('--tcp-memory-mib', memory, 1);
  return {
    congestion: oneOf('--congestion', congestion, congestionControls()),
    readBytes: (mib ?? DEFAULT_READ_MIB) * MIB,
    writeBytes: (mib ?? DEFAULT_WRITE_MIB) * MIB,
  };
}

function oneOf<Name extends string>(option: string, text: string, known: readonly Name[]): Name {
  const found = known.find((name) => name === text);
  if (found !== undefined) return found;
  throw new Error(`${option}: there is no ${text}; there are ${known.join(', ')}`);
}
