import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { REFUSAL_CODES, Refusal, type RefusalCode } from '../../../src/domain/refusal.ts';
import { callUnary } from '../../../src/rpc/calls.ts';
import { Jobs } from '../../../src/rpc/proto.ts';
import { abortRefusal, grpcCodeName, refusalOf, statusOf } from '../../../src/rpc/status.ts';
import { refusalIn, serve } from './harness.ts';

const GRPC: Record<RefusalCode, keyof typeof status> = {
  INVALID: 'INVALID_ARGUMENT',
  NOT_FOUND: 'NOT_FOUND',
  ALREADY_EXISTS: 'ALREADY_EXISTS',
  CONFLICT: 'FAILED_PRECONDITION',
  IN_USE: 'FAILED_PRECONDITION',
  FORBIDDEN: 'PERMISSION_DENIED',
  UNAUTHENTICATED: 'UNAUTHENTICATED',
  UNAVAILABLE: 'UNAVAILABLE',
  TIMEOUT: 'DEADLINE_EXCEEDED',
  NO_SPACE: 'RESOURCE_EXHAUSTED',
  RATE_LIMITED: 'RESOURCE_EXHAUSTED',
  CORRUPT: 'DATA_LOSS',
  CANCELLED: 'CANCELLED',
  UNSUPPORTED: 'UNIMPLEMENTED',
  INTERNAL: 'INTERNAL',
};

function serviceError(code: status, details: string, metadata = new Metadata()): ServiceError {
  return Object.assign(new Error(details), { code, details, metadata });
}

describe('a refusal as a status', () => {
  it.each(REFUSAL_CODES)('%s has its gRPC code', (code) => {
    expect(status[statusOf(new Refusal(code, 'no')).code]).toBe(GRPC[code]);
  });

  it.each(REFUSAL_CODES)('%s arrives at a caller as it was thrown', async (code) => {
    const thrown = new Refusal(code, `nicht möglich: 100 % "voll", пул\nzweite Zeile`, {
      hint: ' räume auf: `entrepot image list` → 50 % ',
      rule: 'R12',
    });
    await using bench = await serve({ Jobs: { Get: () => Promise.reject(thrown) } });
    const {
      code: gotCode,
      message,
      hint,
      rule,
    } = await refusalIn(callUnary(bench.channel(), Jobs.Get, { jobId: 'j' }));
    expect({ code: gotCode, message, hint, rule }).toEqual({
      code,
      message: thrown.message,
      hint: thrown.hint,
      rule: 'R12',
    });
  });

  it('leaves out what a refusal does not have', () => {
    const { metadata } = statusOf(new Refusal('INVALID', 'no'));
    expect(Object.keys(metadata.getMap())).toEqual(['entrepot-code']);
  });

  it('survives a message that no header could hold, and broken text', async () => {
    const long = `${'ü'.repeat(50_000)}\ud800`;
    await using bench = await serve({
      Jobs: { Get: () => Promise.reject(new Refusal('IN_USE', long, { hint: long })) },
    });
    const refusal = await refusalIn(callUnary(bench.channel(), Jobs.Get, { jobId: 'j' }));
    expect(refusal.code).toBe('IN_USE');
    expect(refusal.message).toMatch(/^ü{3000}\.\.\.$/);
    expect(refusal.hint).toMatch(/^ü{3000}\.\.\.$/);
  });

  it.each([
    [undefined, 'OK'],
    ['CANCELLED', 'Canceled'],
    ['NOT_FOUND', 'NotFound'],
    ['CONFLICT', 'FailedPrecondition'],
    ['TIMEOUT', 'DeadlineExceeded'],
    ['CORRUPT', 'DataLoss'],
  ] as const)('%s is %s in metrics, as Go spells it', (code, name) => {
    expect(grpcCodeName(code && new Refusal(code, 'x'))).toBe(name);
  });
});

describe('a status that is not ours', () => {
  const refused =
    'No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:7440. Resolution note: ';
  it.each([
    [status.UNAVAILABLE, refused, 'UNAVAILABLE', 'cannot reach hub at h:1: connection refused'],
    [
      status.UNAVAILABLE,
      'Name resolution failed for target dns:nix:1',
      'UNAVAILABLE',
      'cannot reach hub at h:1: host name cannot be resolved',
    ],
    [status.UNAVAILABLE, 'Connection dropped', 'UNAVAILABLE', 'lost the connection to hub at h:1'],
    [status.UNAVAILABLE, 'read ECONNRESET', 'UNAVAILABLE', 'lost the connection to hub at h:1'],
    [
      status.UNAVAILABLE,
      'Stream refused by server',
      'UNAVAILABLE',
      'cannot reach hub at h:1: Stream refused by server',
    ],
    [status.DEADLINE_EXCEEDED, 'Deadline exceeded', 'TIMEOUT', 'hub at h:1 did not answer within 250 ms'],
    [status.CANCELLED, 'Cancelled on client', 'CANCELLED', 'cancelled'],
    [
      status.UNIMPLEMENTED,
      'no such method',
      'UNSUPPORTED',
      'hub at h:1 does not know this call: no such method',
    ],
    [
      status.RESOURCE_EXHAUSTED,
      'Received message larger than max',
      'INVALID',
      'hub at h:1 answered: Received message larger than max',
    ],
    [
      status.RESOURCE_EXHAUSTED,
      'Bandwidth exhausted or memory limit exceeded',
      'RATE_LIMITED',
      'hub at h:1 does not take more of this connection for now',
    ],
    [
      status.UNAVAILABLE,
      'No connection established. Last error: Error: Client network socket disconnected before secure TLS connection was established. Resolution note: ',
      'UNAVAILABLE',
      'hub at h:1 closed the connection before TLS was through',
    ],
    [
      status.UNAVAILABLE,
      'No connection established. Last error: Error: self-signed certificate in certificate chain. Resolution note: ',
      'UNAUTHENTICATED',
      'the certificate of hub at h:1 was not signed by an authority of these credentials',
    ],
    [
      status.UNAVAILABLE,
      'No connection established. Last error: Error: unable to get local issuer certificate. Resolution note: ',
      'UNAUTHENTICATED',
      'the certificate of hub at h:1 was not signed by an authority of these credentials',
    ],
    [
      status.UNAVAILABLE,
      'No connection established. Last error: Error: unable to verify the first certificate. Resolution note: ',
      'UNAUTHENTICATED',
      'the certificate of hub at h:1 was not signed by an authority of these credentials',
    ],
    [
      status.UNAVAILABLE,
      'Last error: 40:error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:../x.c:918:SSL alert number 48',
      'UNAUTHENTICATED',
      'hub at h:1 does not accept the certificate it was shown',
    ],
    [
      status.UNAVAILABLE,
      'Last error: 40:error:0A000410:SSL routines:ssl3_read_bytes:ssl/tls alert handshake failure:../x.c:918:SSL alert number 40',
      'UNAUTHENTICATED',
      'hub at h:1 and this side do not agree on TLS',
    ],
    [status.PERMISSION_DENIED, 'no', 'FORBIDDEN', 'hub at h:1 answered: no'],
    [status.UNAUTHENTICATED, 'who', 'UNAUTHENTICATED', 'hub at h:1 answered: who'],
    [status.ABORTED, 'x', 'CONFLICT', 'hub at h:1 answered: x'],
    [status.FAILED_PRECONDITION, 'x', 'CONFLICT', 'hub at h:1 answered: x'],
    [status.OUT_OF_RANGE, 'x', 'INVALID', 'hub at h:1 answered: x'],
    [status.INVALID_ARGUMENT, 'x', 'INVALID', 'hub at h:1 answered: x'],
    [status.NOT_FOUND, 'x', 'NOT_FOUND', 'hub at h:1 answered: x'],
    [status.ALREADY_EXISTS, 'x', 'ALREADY_EXISTS', 'hub at h:1 answered: x'],
    [status.DATA_LOSS, 'x', 'CORRUPT', 'hub at h:1 answered: x'],
    [status.INTERNAL, 'x', 'INTERNAL', 'hub at h:1 answered: x'],
    [status.UNKNOWN, 'x', 'INTERNAL', 'hub at h:1 answered: x'],
  ])('%i %s', (code, details, expected, message) => {
    const refusal = refusalOf(serviceError(code, details), 'hub at h:1', 250);
    expect([refusal.code, refusal.message]).toEqual([expected, message]);
  });

  it('with a code nobody knows is judged by its gRPC code', () => {
    const metadata = new Metadata();
    metadata.set('entrepot-code', 'FROM_THE_FUTURE');
    expect(refusalOf(serviceError(status.NOT_FOUND, 'x', metadata), 'hub').code).toBe('NOT_FOUND');
  });
});

describe('the reason of a signal', () => {
  it('is the Refusal it was aborted with', () => {
    const reason = new Refusal('CONFLICT', 'replaced by a later attempt');
    expect(abortRefusal(AbortSignal.abort(reason))).toBe(reason);
  });

  it.each([
    [undefined, 'CANCELLED'],
    ['stop', 'CANCELLED'],
    [new DOMException('late', 'TimeoutError'), 'TIMEOUT'],
    [new Error('broken'), 'INTERNAL'],
  ])('%s is %s', (reason, code) => {
    expect(abortRefusal(AbortSignal.abort(reason)).code).toBe(code);
  });
});
