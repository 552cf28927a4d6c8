import { gzipSync } from 'node:zlib';
import type { Attack } from './attack.ts';
import type { Dice } from './dice.ts';
import { http2Attack } from './http2-attacks.ts';
import { beginCall, data, grpcMessage } from './http2-frames.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

type Header = readonly [name: string, value: string];

/** A connection with one call, of one message. */
function call(name: string, message: (dice: Dice) => Buffer, headers: readonly Header[] = []): Attack {
  return http2Attack(name, function* (dice, path) {
    yield Buffer.concat([beginCall(1, path, headers), data(1, message(dice), true)]);
  });
}

/** A field of a message that holds bytes. */
function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** A message in a message, so deep. */
function nested(depth: number): Buffer {
  let bytes: Buffer = Buffer.alloc(0);
  for (let level = 0; level < depth; level += 1) bytes = field(1, bytes);
  return bytes;
}

/** Calls of a method that is there, which no client would make. */
export const GRPC: readonly Attack[] = [
  call('a message that is shorter than it says', (dice) => grpcMessage(dice.bytes(10), { length: 1000 })),
  call('a message that is longer than it says', (dice) => grpcMessage(dice.bytes(1000), { length: 10 })),
  call('a message of 4 GiB, as it says', (dice) => grpcMessage(dice.bytes(64 * KIB), { length: 0xffffffff })),
  call('a message over the limit', () => grpcMessage(Buffer.alloc(3 * MIB))),
  call('a message that says it is compressed', (dice) => grpcMessage(dice.bytes(100), { compressed: 1 })),
  call('a flag that does not exist', (dice) => grpcMessage(dice.bytes(100), { compressed: 0x7f })),
  call('a compressed message that is not', (dice) => grpcMessage(dice.bytes(100), { compressed: 1 }), [
    ['grpc-encoding', 'gzip'],
  ]),
  call(
    'a compressed message that grows a thousandfold',
    () => grpcMessage(gzipSync(Buffer.alloc(64 * MIB)), { compressed: 1 }),
    [['grpc-encoding', 'gzip']],
  ),
  call('a compression that does not exist', (dice) => grpcMessage(dice.bytes(100), { compressed: 1 }), [
    ['grpc-encoding', 'entrepot'],
  ]),
  call('half a prefix', () => Buffer.alloc(3)),
  call('no message', () => Buffer.alloc(0)),
  call('many messages where one belongs', () =>
    Buffer.concat(Array.from({ length: 5000 }, () => grpcMessage(Buffer.alloc(0)))),
  ),
  call('a message of random bytes', (dice) => grpcMessage(dice.bytes(1 + dice.below(4096)))),
  call('a message that breaks off', () => grpcMessage(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0x0f, 1]))),
  call('a number that does not end', () => grpcMessage(Buffer.alloc(4096, 0xff))),
  call('fields of other kinds', () =>
    grpcMessage(
      Buffer.concat(
        [1, 2, 3, 4, 5, 6, 7, 8].flatMap((number) =>
          [0, 1, 2, 5].map((kind) => Buffer.concat([varint(number * 8 + kind), Buffer.alloc(8)])),
        ),
      ),
    ),
  ),
  call('messages within messages, ten thousand deep', () => grpcMessage(nested(10_000))),
  call('groups within groups, a hundred thousand deep', () => grpcMessage(Buffer.alloc(100_000, 0x0b))),
  call('a hundred thousand unknown fields', () => grpcMessage(Buffer.alloc(200_000, Buffer.from([0x78, 1])))),
  call('text that is no UTF-8', () => grpcMessage(field(1, Buffer.alloc(1000, 0xfe)))),
  call('a name of a megabyte', () => grpcMessage(field(1, Buffer.alloc(MIB, 0x61)))),
  call('other content', () => Buffer.from('{}'), [['content-type', 'application/json']]),
  ...[
    ['grpc-timeout', '99999999H'],
    ['grpc-timeout', '-1S'],
    ['grpc-timeout', 'soon'],
    ['grpc-timeout', '1n'],
    ['authorization', 'Bearer entrepot-api-'],
    ['authorization', `Bearer ${'A'.repeat(3000)}`],
    ['authorization', 'Basic YTpi'],
    ['entrepot-ticket', 'a.b.c'],
    ['entrepot-ticket', '....'],
    ['entrepot-request-id', '"}\t$(jndi)'],
    ['entrepot-data-bin', '%%%'],
  ].map(([name = '', value = '']) =>
    call(`the header ${name}: ${value.slice(0, 24)}`, () => grpcMessage(Buffer.alloc(0)), [[name, value]]),
  ),
  call(
    'a thousand headers',
    () => grpcMessage(Buffer.alloc(0)),
    Array.from({ length: 1000 }, (_, index): Header => [`x-${index}`, '1']),
  ),
  call('a header of 15 KiB', () => grpcMessage(Buffer.alloc(0)), [['x-long', 'a'.repeat(15 * KIB)]]),
  ...[
    '',
    '/',
    '/entrepot.v1.Images',
    '/entrepot.v1.Images/None',
    '/a/b/c',
    '/../../etc/passwd',
    '*',
    '/constructor/toString',
    `/${'a'.repeat(10_000)}`,
  ].map(
    (path): Attack =>
      http2Attack(`the method ${path.slice(0, 24)}`, function* () {
        yield Buffer.concat([beginCall(1, path), data(1, grpcMessage(Buffer.alloc(0)), true)]);
      }),
  ),
  http2Attack('calls that break off in the middle', function* (dice, path) {
    yield Buffer.concat([beginCall(1, path), data(1, grpcMessage(dice.bytes(100), { length: 200 }))]);
    yield 'end';
  }),
];

/** Calls that are never over, held until the server has enough of them. */
export const HELD: readonly Attack[] = [
  http2Attack(
    'half a message on a hundred streams',
    function* (dice, path) {
      for (let index = 0; index < 100; index += 1) {
        const half = grpcMessage(dice.bytes(64 * KIB), { length: 2 * MIB });
        yield Buffer.concat([beginCall(2 * index + 1, path), data(2 * index + 1, half)]);
      }
    },
    { connections: 4 },
  ),
  http2Attack('all but a byte of a message on a hundred streams', function* (_, path) {
    const most = grpcMessage(Buffer.alloc(2 * MIB - 100), { length: 2 * MIB - 99 });
    for (let index = 0; index < 100; index += 1) {
      yield Buffer.concat([beginCall(2 * index + 1, path), data(2 * index + 1, most)]);
    }
  }),
  http2Attack(
    'calls without a message',
    function* (_, path) {
      for (let index = 0; index < 200; index += 1) yield beginCall(2 * index + 1, path);
    },
    { connections: 8 },
  ),
  http2Attack('a message, byte by byte', function* (dice, path) {
    yield beginCall(1, path);
    for (const byte of grpcMessage(dice.bytes(200))) {
      yield data(1, Buffer.from([byte]));
      yield { pauseMs: 20 };
    }
  }),
  http2Attack('headers, byte by byte', function* (_, path) {
    for (const byte of beginCall(1, path)) {
      yield Buffer.from([byte]);
      yield { pauseMs: 10 };
    }
  }),
  http2Attack(
    'calls whose answers are left lying',
    function* (_, path) {
      for (let index = 0; index < 500; index += 1) {
        yield Buffer.concat([
          beginCall(2 * index + 1, path),
          data(2 * index + 1, grpcMessage(Buffer.alloc(0)), true),
        ]);
      }
    },
    { reads: false, connections: 4 },
  ),
  http2Attack('connections that do nothing', function* () {}, { connections: 200 }),
];
