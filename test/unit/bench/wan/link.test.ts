import { describe, expect, test } from 'vitest';
import { delayBytes, parseLink, queueBytes, shareOf } from '../../../../bench/wan/link-spec.ts';
import { ownerOf, prefixOf, thisProcess } from '../../../../bench/wan/namespaces.ts';
import { shapeCommand } from '../../../../bench/wan/netem-link.ts';
import { HEADER_BYTES, linkBytes } from '../../../../bench/wan/packet.ts';

describe('a link', () => {
  test('is read from its name', () => {
    expect(parseLink('100mbit/50ms/0.1%')).toEqual({
      name: '100mbit/50ms/0.1%',
      bitsPerSecond: 100e6,
      roundTripMs: 50,
      lossShare: 0.001,
    });
    expect(parseLink('2.5gbit/0.5ms')).toMatchObject({
      bitsPerSecond: 2.5e9,
      roundTripMs: 0.5,
      lossShare: 0,
    });
  });

  test.each([
    '',
    '100mbit',
    '100/50ms',
    '0mbit/50ms',
    '100mbit/0ms',
    '11gbit/1ms',
    '1gbit/1001ms',
    '1gbit/1ms/11%',
  ])('%j is none', (name) => {
    expect(() => parseLink(name)).toThrow(`--links ${name}: a link is like 100mbit/50ms/0.1% or 1gbit/20ms`);
  });

  test('holds half a round trip each way, and twice a whole one in its queue', () => {
    const spec = parseLink('1gbit/80ms');
    expect(delayBytes(spec)).toBe(5e6);
    expect(queueBytes(spec)).toBe(20e6);
    expect(queueBytes(parseLink('10mbit/1ms'))).toBe(512 * 1024);
  });

  test('is used by a share of what it could carry', () => {
    expect(shareOf(parseLink('100mbit/50ms'), 125e6, 20)).toBe(0.5);
  });
});

describe('tc', () => {
  const end = { namespace: 'a', device: 'wan', address: '10.0.0.1' };

  test('is told the rate, half of the round trip, the loss, and room for what is under way and what waits', () => {
    expect(shapeCommand(end, parseLink('100mbit/50ms/0.1%')).join(' ')).toBe(
      // (4 + 1) x 312,500 bytes, 1,514 in each packet.
      '-n a qdisc replace dev wan root netem rate 100000000bit delay 25000us loss random 0.1% limit 1033',
    );
    expect(shapeCommand(end, parseLink('1gbit/20ms')).join(' ')).toBe(
      '-n a qdisc replace dev wan root netem rate 1000000000bit delay 10000us limit 4129',
    );
  });

  test('is told when there is nothing to emulate', () => {
    expect(shapeCommand(end, undefined).join(' ')).toBe('-n a qdisc replace dev wan root pfifo limit 20000');
  });
});

describe('the name of a namespace', () => {
  test('tells who made it', () => {
    const owner = thisProcess();
    expect(ownerOf(`${prefixOf(owner)}dcn0`)).toEqual(owner);
    expect(owner.pid).toBe(process.pid);
    expect(owner.start).toMatch(/^\d+$/);
  });

  test.each(['entrepot-wan-1-dcn0', 'entrepot-bench-1-2-dcn0', 'my-entrepot-wan-1-2-dcn0'])(
    '%s is nobody of ours',
    (name) => {
      expect(ownerOf(name)).toBeUndefined();
    },
  );
});

describe('on the link', () => {
  test('a packet takes its bytes and a frame', () => {
    expect(linkBytes(Buffer.alloc(70_000), HEADER_BYTES + 1500)).toBe(1514);
  });

  test.each([
    [1448, 1],
    [2896, 2],
    [2897, 3],
  ])('a piece of %i bytes of data takes as much as %i packets', (dataBytes, packets) => {
    const headers = 20 + 32;
    const piece = Buffer.alloc(70_000);
    // struct virtio_net_hdr: TCP over IPv4, cut into 1448 bytes, whose own header begins after 20.
    piece.writeUInt8(1, 1);
    piece.writeUInt16LE(1448, 4);
    piece.writeUInt16LE(20, 6);
    piece.writeUInt8((32 / 4) << 4, HEADER_BYTES + 20 + 12);
    const length = HEADER_BYTES + headers + dataBytes;
    expect(linkBytes(piece, length)).toBe(dataBytes + packets * (headers + 14));
  });
});
