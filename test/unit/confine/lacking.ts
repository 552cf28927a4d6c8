import { execa } from 'execa';
import { Confinement } from '../../../src/confine/confinement.ts';

/**
 * One line saying what tests with real programs lack on this machine; undefined when nothing, or where a
 * run has to have it all (ENTREPOT_REQUIRE_CEPH=1), so that they fail.
 */
export async function lacking(...programs: readonly string[]): Promise<string | undefined> {
  if (process.env['ENTREPOT_REQUIRE_CEPH'] === '1') return undefined;
  for (const program of programs) {
    if ((await execa(program, ['--version'], { reject: false })).failed) return `no ${program} here`;
  }
  return await new Confinement().start().then(
    () => undefined,
    (error: unknown) => (error as Error).message,
  );
}
