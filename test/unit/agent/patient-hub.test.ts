import { expect, test } from 'vitest';
import { Backoff } from '../../../src/agent/backoff.ts';
import { patient } from '../../../src/agent/patient-hub.ts';
import type { HubCalls } from '../../../src/agent/tasks/parts.ts';
import { Refusal } from '../../../src/domain/refusal.ts';

const AWAY = new Refusal('UNAVAILABLE', 'cannot reach hub');

/** A hub that answers `putManifest` with these, one after the other, then takes it. */
function hubThat(...refusals: Refusal[]) {
  const offered: string[] = [];
  const hub: HubCalls = {
    pullUpload: () => {
      throw AWAY;
    },
    getManifest: () => Promise.reject(AWAY),
    putManifest: async (root) => {
      offered.push(root);
      const refusal = refusals.shift();
      if (refusal !== undefined) throw refusal;
    },
  };
  return { offered, calls: patient(hub, () => new Backoff({ minMs: 1, maxMs: 1 }, () => 0)) };
}

const root = 'a'.repeat(64);
const running = new AbortController().signal;

test('a manifest waits for a hub that is away', async () => {
  const stopping = new Refusal('CANCELLED', 'the hub is stopping');
  const { offered, calls } = hubThat(stopping, AWAY, new Refusal('TIMEOUT', 'no answer'));
  await calls.putManifest(root, Buffer.of(1), running);
  expect(offered).toEqual([root, root, root, root]);
});

test('one that the hub refuses is not offered again', async () => {
  const refusal = new Refusal('FORBIDDEN', 'not taking an image in');
  const { offered, calls } = hubThat(AWAY, refusal);
  await expect(calls.putManifest(root, Buffer.of(1), running)).rejects.toBe(refusal);
  expect(offered).toHaveLength(2);
});

test.each(['in a call', 'between two'])('the end of its task ends it, %s', async (when) => {
  const end = new AbortController();
  const reason = new Refusal('CANCELLED', 'cancelled at the hub');
  const { calls } = hubThat(...Array.from({ length: 1000 }, () => AWAY));
  const put = calls.putManifest(root, Buffer.of(1), end.signal);
  if (when === 'in a call') end.abort(reason);
  else setTimeout(() => end.abort(reason), 20);
  await expect(put).rejects.toBe(reason);
});
