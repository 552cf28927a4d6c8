import { Refusal } from '../domain/refusal.ts';
import { type Caller, callerSubject } from '../domain/rules/rights.ts';
import type { Rights } from '../rpc/caller.ts';
import type { IssuedCertificate } from '../rpc/generated/entrepot/v1/IssuedCertificate.ts';
import type { Handlers } from '../rpc/handlers.ts';
import type { EnrolmentService } from '../rpc/proto.ts';
import type { Identity } from '../trust/identity.ts';
import type { Enrolment, Issued } from './enrolment.ts';

export const ENROLMENT_RIGHTS: Rights<EnrolmentService> = { Join: 'enrol', Renew: 'known' };

/** proto/entrepot/v1/enrolment.proto. */
export function enrolmentService(enrolment: Enrolment): Handlers<EnrolmentService> {
  return {
    Join: async ({ token, certificateRequest }, { log }) => {
      const issued = await enrolment.join(token, certificateRequest);
      log.info({ subject: issued.subject, expiresAtMs: issued.expiresAtMs }, 'joined');
      return issuedMessage(issued);
    },

    Renew: async ({ certificateRequest }, { caller }) =>
      issuedMessage(await enrolment.certify(caller, renewable(caller), certificateRequest)),
  };
}

export function issuedMessage({
  certificatePem,
  authoritiesPem,
  expiresAtMs,
  subject,
}: Issued): IssuedCertificate {
  return { certificate: certificatePem, authorities: authoritiesPem, expiresAtMs, subject };
}

/** Who asks. The hub renews its own. */
function renewable(caller: Caller): Identity {
  if (caller.kind === 'store') return { kind: 'store', storeId: caller.storeId };
  if (caller.kind === 'operator') return { kind: 'operator', name: caller.name };
  throw new Refusal('FORBIDDEN', `${callerSubject(caller)} showed no certificate that could be renewed`, {
    hint: '`entrepot operator issue NAME` makes credentials of either kind',
  });
}
