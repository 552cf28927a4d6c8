import type { Command } from 'commander';
import { example } from '../options.ts';
import { timeOrNull } from '../output/json.ts';
import { fields } from '../output/table.ts';
import { formatTime } from '../output/units.ts';
import type { Run } from '../program.ts';
import type { Session } from '../session.ts';

export function registerOperatorWhoami(parent: Command, run: Run): void {
  parent
    .command('whoami')
    .description('whom the hub takes you for, by which credentials, and when they end')
    .addHelpText('after', example('entrepot operator whoami', 'entrepot operator whoami -o json'))
    .action(
      run(async (session: Session) => {
        const { subject, role } = await (await session.hub()).whoAmI();
        const own = await session.credentials();
        const certificate = own.kind === 'certificate' ? own.credentials.certificate : undefined;
        const { renewAtMs: dueMs } = await import('../../trust/certificate.ts');
        const expiresAtMs = certificate?.notAfterMs ?? 0;
        const renewAtMs = certificate === undefined ? 0 : Math.round(dueMs(certificate));
        session.print({
          text: fields([
            ['subject', subject],
            ['role', role],
            ['credentials', session.credentialsFolder],
            ['kind', own.kind],
            ['expires', formatTime(expiresAtMs)],
            ['renew', formatTime(renewAtMs)],
          ]),
          json: {
            subject,
            role: role === '' ? null : role,
            folder: session.credentialsFolder,
            kind: own.kind,
            expires_at: timeOrNull(expiresAtMs),
            renew_at: timeOrNull(renewAtMs),
          },
        });
      }),
    );
}
