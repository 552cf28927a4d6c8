import { describe, expect, it } from 'vitest';
import { planLink } from '../../../src/rpc/link-plan.ts';

const MIB = 1024 * 1024;
const MOST = 16 * MIB;
const LEAST = 4 * MIB;
/** 100 Mbit/s */
const SLOW = 12_500_000;

describe('how a copy uses a link', () => {
  it.each([
    // Near: one connection, and a few messages.
    { roundTripMs: 0.2, connections: 'auto', is: [1, LEAST] },
    { roundTripMs: 2.9, connections: 'auto', is: [1, LEAST] },
    // Far: 2.5 x 125 MB/s x round trip, for all of them together, up to what is configured.
    { roundTripMs: 3, connections: 'auto', is: [4, LEAST / 4] },
    { roundTripMs: 20, connections: 'auto', is: [4, 6_250_000 / 4] },
    { roundTripMs: 200, connections: 'auto', is: [4, MOST / 4] },
    // As many as were asked for, wherever it is.
    { roundTripMs: 0.2, connections: 8, is: [8, LEAST / 8] },
    { roundTripMs: 20, connections: 1, is: [1, 6_250_000] },
    // By the rate of the hub where it tells one.
    { roundTripMs: 160, connections: 'auto', wantedRate: SLOW, is: [4, 5_000_000 / 4] },
    { roundTripMs: 5, connections: 2, wantedRate: SLOW, is: [2, LEAST / 2] },
    // What is configured bounds all, also below a message.
    { roundTripMs: 20, connections: 2, windowBytes: 65_536, is: [2, 32_768] },
  ] as const)('of $roundTripMs ms with $connections at $wantedRate B/s', (given) => {
    const { roundTripMs, is, connections, ...wishes } = {
      windowBytes: MOST,
      wantedRate: undefined,
      ...given,
    };
    const plan = planLink({ ...wishes, connections }, roundTripMs);
    expect([plan.connections, plan.windowBytes]).toEqual(is);
  });
});
