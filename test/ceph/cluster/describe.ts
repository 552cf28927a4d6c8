import { describe } from 'vitest';
import { cephMissing } from './packages.ts';

/**
 * Tests that need real Ceph. Without it they are skipped, with the reason in the suite's
 * name; ENTREPOT_REQUIRE_CEPH=1 makes that a failure. Needs top-level await:
 * `await describeWithCeph('name', () => { ... })`.
 */
export async function describeWithCeph(name: string, suite: () => void): Promise<void> {
  const missing = await cephMissing();
  if (missing === undefined) {
    describe(name, suite);
    return;
  }
  if (process.env['ENTREPOT_REQUIRE_CEPH'] === '1') {
    throw new Error(`${name}: ${missing}, and ENTREPOT_REQUIRE_CEPH=1 demands it`);
  }
  describe.skip(`${name} (skipped: ${missing})`, suite);
}
