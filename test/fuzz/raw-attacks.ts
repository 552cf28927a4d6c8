import type { Attack } from './attack.ts';
import { frame, PREFACE, settingsFrame } from './http2-frames.ts';

const HANDSHAKE = 22;

/** A TLS record that says it is so long. */
function record(type: number, body: Buffer, length = body.length): Buffer {
  const header = Buffer.from([type, 3, 1, 0, 0]);
  header.writeUInt16BE(length & 0xffff, 3);
  return Buffer.concat([header, body]);
}

/** Before there is TLS: bytes that anybody who reaches the port can send. */
export const BEFORE_TLS: readonly Attack[] = [
  {
    name: 'random bytes in place of TLS',
    layer: 'tcp',
    *steps(dice) {
      for (let count = 0; count < 64; count += 1) yield dice.bytes(1 + dice.below(2048));
    },
  },
  {
    name: 'records of TLS with random bodies',
    layer: 'tcp',
    *steps(dice) {
      for (let count = 0; count < 64; count += 1)
        yield record(20 + dice.below(5), dice.bytes(dice.below(512)));
    },
  },
  {
    name: 'a ClientHello that is longer than it may be',
    layer: 'tcp',
    *steps(dice) {
      const hello = Buffer.concat([Buffer.from([1, 0xff, 0xff, 0xff]), dice.bytes(16_000)]);
      for (let count = 0; count < 256; count += 1) yield record(HANDSHAKE, hello);
    },
  },
  {
    name: 'a ClientHello that does not come to its end, on many connections',
    layer: 'tcp',
    connections: 64,
    *steps(dice) {
      yield record(HANDSHAKE, Buffer.concat([Buffer.from([1, 0, 2, 0, 3, 3]), dice.bytes(100)]), 512);
    },
  },
  {
    name: 'connections that say nothing',
    layer: 'tcp',
    connections: 128,
    *steps() {
      yield { pauseMs: 1 };
    },
  },
  {
    name: 'connections that are ended at once',
    layer: 'tcp',
    connections: 128,
    *steps() {
      yield 'end';
    },
  },
  {
    name: 'HTTP/2 without TLS',
    layer: 'tcp',
    *steps() {
      yield Buffer.concat([PREFACE, settingsFrame()]);
    },
  },
  {
    name: 'HTTP/1 without TLS',
    layer: 'tcp',
    *steps() {
      yield Buffer.from('GET /metrics HTTP/1.1\r\nHost: entrepot\r\n\r\n');
    },
  },
];

/** Inside TLS, but not HTTP/2. */
export const IN_PLACE_OF_HTTP2: readonly Attack[] = [
  {
    name: 'random bytes in place of HTTP/2',
    layer: 'above',
    protocol: 'h2',
    *steps(dice) {
      for (let count = 0; count < 64; count += 1) yield dice.bytes(1 + dice.below(4096));
    },
  },
  {
    name: 'HTTP/1 where HTTP/2 was agreed on',
    layer: 'above',
    protocol: 'h2',
    *steps() {
      yield Buffer.from('GET / HTTP/1.1\r\nHost: entrepot\r\n\r\n');
    },
  },
  {
    name: 'HTTP/1 agreed on, which is not there',
    layer: 'above',
    protocol: 'http/1.1',
    *steps() {
      yield Buffer.from(
        'POST /entrepot.v1.Images/List HTTP/1.1\r\nHost: entrepot\r\nContent-Length: 5\r\n\r\n\0\0\0\0\0',
      );
    },
  },
  {
    name: 'half a preface, on many connections',
    layer: 'above',
    protocol: 'h2',
    connections: 32,
    *steps() {
      yield PREFACE.subarray(0, 11);
    },
  },
  {
    name: 'a preface, then random bytes',
    layer: 'above',
    protocol: 'h2',
    *steps(dice) {
      yield PREFACE;
      for (let count = 0; count < 64; count += 1) yield dice.bytes(1 + dice.below(4096));
    },
  },
  {
    name: 'a preface, byte by byte',
    layer: 'above',
    protocol: 'h2',
    *steps() {
      for (const byte of PREFACE) {
        yield Buffer.from([byte]);
        yield { pauseMs: 20 };
      }
    },
  },
  {
    name: 'a preface, then a frame that is no settings',
    layer: 'above',
    protocol: 'h2',
    *steps(dice) {
      yield Buffer.concat([PREFACE, frame({ type: 1 + dice.below(3), stream: 1, payload: dice.bytes(64) })]);
    },
  },
];
