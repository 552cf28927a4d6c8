import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import { AddressFilter } from '../../../src/fetch/address-filter.ts';

const filter = new AddressFilter();

describe('the address filter', () => {
  it.each([
    // The first and the last of each network, and mostly what lies beside it.
    ['0.0.0.0', 'unspecified'],
    ['0.255.255.255', 'unspecified'],
    ['1.0.0.0', undefined],
    ['9.255.255.255', undefined],
    ['10.0.0.0', 'private'],
    ['10.255.255.255', 'private'],
    ['11.0.0.0', undefined],
    ['100.63.255.255', undefined],
    ['100.64.0.0', 'carrier-grade NAT'],
    ['100.127.255.255', 'carrier-grade NAT'],
    ['100.128.0.0', undefined],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.255', 'loopback'],
    ['128.0.0.0', undefined],
    ['169.253.255.255', undefined],
    ['169.254.169.254', 'link-local'],
    ['169.255.0.0', undefined],
    ['172.15.255.255', undefined],
    ['172.16.0.0', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.0', undefined],
    ['192.0.0.192', 'reserved'],
    ['192.0.1.0', undefined],
    ['192.0.2.1', 'documentation'],
    ['192.88.99.1', 'reserved'],
    ['192.168.0.0', 'private'],
    ['192.168.255.255', 'private'],
    ['192.169.0.0', undefined],
    ['198.17.255.255', undefined],
    ['198.18.0.0', 'benchmarking'],
    ['198.19.255.255', 'benchmarking'],
    ['198.51.100.7', 'documentation'],
    ['203.0.113.7', 'documentation'],
    ['223.255.255.255', undefined],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['8.8.8.8', undefined],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::2', 'reserved'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['febf:ffff::1', 'link-local'],
    ['fec0::1', 'private'],
    ['fc00::1', 'private'],
    ['fd00:ec2::254', 'private'],
    ['ff02::1', 'multicast'],
    ['2001:db8::1', 'documentation'],
    ['3fff::1', 'documentation'],
    ['2001:2::1', 'benchmarking'],
    ['100::1', 'reserved'],
    ['5f00::1', 'reserved'],
    ['2001:0:7f00:1::', 'reserved'],
    ['64:ff9b:1::a00:1', 'reserved'],
    ['2001:4860:4860::8888', undefined],
    ['2a00:1450:4001::1', undefined],
    // IPv4 inside of IPv6.
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:7f00:1', 'loopback'],
    ['0:0:0:0:0:FFFF:A9FE:A9FE', 'link-local'],
    ['::ffff:8.8.8.8', undefined],
    ['::ffff:0:10.0.0.1', 'private'],
    ['::192.168.1.1', 'private'],
    ['64:ff9b::10.0.0.1', 'private'],
    ['64:ff9b::808:808', undefined],
    ['2002:7f00:1::1', 'loopback'],
    ['2002:a9fe:a9fe:1:2:3:4:5', 'link-local'],
    ['2002:808:808::1', undefined],
  ])('%s: %s', (address, kind) => {
    expect(filter.objection(address)?.replace(/, .*/, '')).toBe(kind);
  });

  it('names the network, not the address', () => {
    expect(filter.objection('172.20.1.2')).toBe('private, 172.16.0.0/12');
    expect(filter.objection('fd12::3')).toBe('private, fc00::/7');
  });

  it.each([
    [['10.1.0.0/16'], '10.1.2.3', true],
    [['10.1.0.0/16'], '10.2.0.1', false],
    [['10.1.0.0/16'], '::ffff:10.1.2.3', true],
    [['10.1.0.0/16'], '64:ff9b::10.1.2.3', true],
    [['10.1.0.0/16'], '::ffff:10.2.2.3', false],
    [['127.0.0.1'], '127.0.0.1', true],
    [['127.0.0.1'], '127.0.0.2', false],
    [['fd00:1::/32', '::1'], 'fd00:1:2::3', true],
    [['fd00:1::/32', '::1'], '::1', true],
    [['fd00:1::/32', '::1'], 'fd00:2::3', false],
    [['fe80::/10'], 'fe80::1%eth0', true],
    // All of one family is nothing of the other, in whatever form.
    [['::/0'], 'fd00::1', true],
    [['::/0'], '127.0.0.1', false],
    [['::/0'], '::ffff:127.0.0.1', false],
    [['0.0.0.0/0'], '::ffff:127.0.0.1', true],
    [['0.0.0.0/0'], '::1', false],
  ])('with %j allowed, %s: %s', (allowedNetworks, address, isAllowed) => {
    expect(new AddressFilter({ allowedNetworks }).objection(address) === undefined).toBe(isAllowed);
  });

  it.each([
    '10.0.0.0/33',
    '10.0.0/8',
    'fd00::/129',
    'example.org',
    '',
    '10.0.0.0/',
    '10.0.0.0/-1',
    'fe80::1%eth0',
    '10.0.0.0/8 ',
  ])('takes no %j for a network', (network) => {
    expect(refusalOfNetwork(network)).toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining('web_download.allowed_networks'),
    });
  });

  it.each(['::ffff:10.0.0.0/104', '64:ff9b::/96', '2002:a00::/24'])(
    'says of %s that it allows nothing, and of an IPv4 network instead',
    (network) => {
      expect(refusalOfNetwork(network)).toMatchObject({
        code: 'INVALID',
        hint: expect.stringContaining('IPv4'),
      });
    },
  );

  it('sees an IPv4 address through all forms that lead to it', () => {
    const group = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.tuple(group, group, group, group), (bytes) => {
        const dotted = bytes.join('.');
        const hex = Buffer.from(bytes).toString('hex');
        const [high, low] = [hex.slice(0, 4), hex.slice(4)];
        const forms = [
          `::ffff:${dotted}`,
          `64:ff9b::${dotted}`,
          `::ffff:0:${high}:${low}`,
          `2002:${high}:${low}::9`,
        ];
        expect(forms.map((form) => filter.objection(form))).toEqual(
          forms.map(() => filter.objection(dotted)),
        );
      }),
    );
  });
});

function refusalOfNetwork(network: string): Refusal | undefined {
  try {
    new AddressFilter({ allowedNetworks: [network] });
    return undefined;
  } catch (error) {
    return Refusal.from(error);
  }
}
