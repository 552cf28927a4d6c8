// `npm test [-- ARGUMENTS OF VITEST]`: every test. Those on real Ceph clusters need packages
// that npm does not bring: as root on Debian or Ubuntu they are installed here, elsewhere
// the tests are skipped with the reason, or fail when ENTREPOT_REQUIRE_CEPH=1.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { ensureCeph } from '../test/ceph/cluster/index.ts';

interface Summary {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
}

const missing = await ensureCeph();
if (missing !== undefined) {
  const required = process.env['ENTREPOT_REQUIRE_CEPH'] === '1';
  console.error(`the Ceph tests ${required ? 'fail' : 'are skipped'}: ${missing}`);
}

const folder = await mkdtemp(join(tmpdir(), 'entrepot-test-'));
try {
  const report = join(folder, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { exitCode } = await execa('vitest', ['run', ...reporters, ...process.argv.slice(2)], {
    preferLocal: true,
    stdio: 'inherit',
    reject: false,
  });
  const summary = JSON.parse(await readFile(report, 'utf8')) as Summary;
  const { numPassedTests: passed, numFailedTests: failed, numPendingTests: skipped } = summary;
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = exitCode ?? 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
