// A process of its own for a link: two TUN devices, and between them what a line of JSON on standard input says. It
// prints a line when the devices are there, and one for each line it gets. Arguments: the names of the devices. It
// waits in poll(2) instead of Node's event loop, which looks at the clock once in a millisecond.
import { readSync, writeSync } from 'node:fs';
import { DelayLine, type Fate } from './delay-line.ts';
import type { LinkSpec } from './link-spec.ts';
import { linkBytes } from './packet.ts';
import { Readiness, TunDevice } from './tun.ts';

const STDIN = 0;
const STDOUT = 1;
/** From one device before the others get their turn. */
const PACKETS_AT_ONCE = 64;
const LONGEST_WAIT_MS = 500;

/** What the link is to be from now on: `null` for a line without limit, delay or loss. */
export interface LinkOrder {
  readonly shape: LinkSpec | null;
}

/** Packets of both directions since the start. */
export type LinkCounts = Readonly<Record<Fate, number>>;

class Direction {
  readonly counts = { kept: 0, lost: 0, overflowed: 0 };
  readonly #from: TunDevice;
  readonly #to: TunDevice;
  #line = new DelayLine(undefined);
  readonly #waste = Buffer.allocUnsafeSlow(128 * 1024);

  constructor(from: TunDevice, to: TunDevice) {
    this.#from = from;
    this.#to = to;
  }

  /** What is under way is lost by it. */
  shape(spec: LinkSpec | undefined): void {
    this.#line = new DelayLine(spec);
    // Of a piece that stands for many packets one alone cannot be lost.
    this.#from.allowPieces(spec === undefined || spec.lossShare === 0);
  }

  /** False when nothing was there. */
  takeIn(): boolean {
    for (let count = 0; count < PACKETS_AT_ONCE; count++) {
      const slot = this.#line.slot();
      const length = this.#from.read(slot ?? this.#waste);
      if (length <= 0) return count > 0;
      const fate =
        slot === undefined
          ? 'overflowed'
          : this.#line.take(length, linkBytes(slot, length), performance.now());
      this.counts[fate]++;
    }
    return true;
  }

  giveOut(): void {
    while (this.#line.dueAtMs <= performance.now()) {
      this.#to.write(this.#line.next);
      this.#line.drop();
    }
  }

  get dueAtMs(): number {
    return this.#line.dueAtMs;
  }
}

const [left = '', right = ''] = process.argv.slice(2);
const devices = [new TunDevice(left), new TunDevice(right)] as const;
const directions = [new Direction(...devices), new Direction(devices[1], devices[0])];
for (const direction of directions) direction.shape(undefined);
const readiness = new Readiness([STDIN, ...devices.map(({ fd }) => fd)]);
let said = '';
answer();
while (serve());

/** One turn; false when whoever started this is gone. */
function serve(): boolean {
  let isBusy = false;
  for (const direction of directions) {
    isBusy = direction.takeIn() || isBusy;
    direction.giveOut();
  }
  const dueInMs = Math.min(...directions.map(({ dueAtMs }) => dueAtMs)) - performance.now();
  readiness.wait(isBusy ? 0 : Math.min(dueInMs, LONGEST_WAIT_MS));
  return !readiness.isReady(0) || listen();
}

function listen(): boolean {
  const bytes = Buffer.alloc(4096);
  const length = readSync(STDIN, bytes);
  said += bytes.toString('utf8', 0, length);
  for (let end = said.indexOf('\n'); end >= 0; end = said.indexOf('\n')) {
    const { shape } = JSON.parse(said.slice(0, end)) as Partial<LinkOrder>;
    said = said.slice(end + 1);
    if (shape !== undefined) for (const direction of directions) direction.shape(shape ?? undefined);
    answer();
  }
  return length > 0;
}

function answer(): void {
  const sum = (fate: Fate) => directions.reduce((total, { counts }) => total + counts[fate], 0);
  const counts: LinkCounts = { kept: sum('kept'), lost: sum('lost'), overflowed: sum('overflowed') };
  writeSync(STDOUT, `${JSON.stringify(counts)}\n`);
}
