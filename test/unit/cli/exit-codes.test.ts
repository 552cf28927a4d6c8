import { readFile } from 'node:fs/promises';
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import {
  complaintJson,
  complaintOf,
  complaintText,
  EXIT_CODE_HELP,
  EXIT_CODES,
  exitCodeOfJob,
  InterruptedError,
  JobEndedError,
} from '../../../src/cli/exit-codes.ts';
import { isRefusalCode, REFUSAL_CODES, Refusal } from '../../../src/domain/refusal.ts';
import { HTTP_STATUS } from '../../../src/http/status.ts';
import { statusOf } from '../../../src/rpc/status.ts';
import { endedJob, JOB_ID } from './samples.ts';

describe('exit codes', () => {
  it.each(REFUSAL_CODES.map((code) => [code]))('%s has one, and the help names it there', (code) => {
    const exitCode = EXIT_CODES[code];
    expect(exitCode).toBeGreaterThan(0);
    const line = EXIT_CODE_HELP.split('\n').find((one) => one.trim().startsWith(`${exitCode} `));
    expect(line).toMatch(new RegExp(`\\b${code}\\b`));
  });

  it('are told apart by what a script does next', () => {
    const distinct = [
      'INTERNAL',
      'INVALID',
      'NOT_FOUND',
      'CONFLICT',
      'FORBIDDEN',
      'UNAVAILABLE',
      'NO_SPACE',
      'CORRUPT',
      'CANCELLED',
    ] as const;
    expect(new Set(distinct.map((code) => EXIT_CODES[code])).size).toBe(distinct.length);
  });

  it.each([
    ['succeeded', '', 0],
    ['partial', 'NO_SPACE', 10],
    ['failed', 'NO_SPACE', 7],
    ['failed', 'CORRUPT', 8],
    ['failed', '', 11],
    ['failed', 'OF_A_LATER_VERSION', 11],
    ['cancelled', '', 9],
  ])('a job that ended %s %s gives %d', (state, reasonCode, exitCode) => {
    expect(exitCodeOfJob({ state, reasonCode })).toBe(exitCode);
  });

  it('are documented', async () => {
    const page = await readFile(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('| `'));
    const documented = rows.map((row) => row.split('|').map((cell) => cell.trim().replaceAll('`', '')));
    for (const code of REFUSAL_CODES) {
      const exitCode = EXIT_CODES[code];
      const row = documented.find((cells) => cells[1] === code);
      expect([row?.[3], row?.[5]], code).toEqual([String(exitCode), String(HTTP_STATUS[code])]);
      expect(row?.[4], code).toBe(status[statusOf(new Refusal(code, '')).code]);
    }
    expect(documented.map((cells) => cells[1]).filter((code) => isRefusalCode(code ?? '')).length).toBe(
      REFUSAL_CODES.length,
    );
  });
});

describe('a complaint', () => {
  const refusal = new Refusal('IN_USE', 'clones depend on it\nat dcn0: \x1b[2J', {
    hint: 'flatten them',
    rule: 'R8',
  });

  it('is a sentence, a hint and the request id', () => {
    expect(complaintText(complaintOf(refusal), 'req-1')).toBe(
      'entrepot: clones depend on it\nat dcn0: \\u001b[2J (rule R8)\nhint: flatten them\nrequest id: req-1\n',
    );
    expect(complaintText(complaintOf(new Error('boom')), undefined)).toBe('entrepot: boom\n');
  });

  it('is JSON for a script', () => {
    expect(JSON.parse(complaintJson(complaintOf(refusal), 'req-1'))).toEqual({
      error: {
        code: 'IN_USE',
        message: 'clones depend on it\nat dcn0: \x1b[2J',
        hint: 'flatten them',
        rule: 'R8',
        job_id: null,
        request_id: 'req-1',
        exit_code: 4,
      },
    });
  });

  it('tells how a job ended', () => {
    const failed = endedJob({ state: 'failed', reason: 'dcn0: the pool is full', reasonCode: 'NO_SPACE' });
    expect(complaintOf(new JobEndedError(failed))).toEqual({
      code: 'NO_SPACE',
      message: `job ${JOB_ID} failed: dcn0: the pool is full`,
      hint: `\`entrepot job show ${JOB_ID}\` shows what became of each store`,
      rule: undefined,
      jobId: JOB_ID,
      exitCode: 7,
    });
    const partial = complaintOf(new JobEndedError(endedJob({ state: 'partial' })));
    expect([partial.code, partial.exitCode]).toEqual(['JOB_PARTIAL', 10]);
  });

  it('of an interruption is that of the signal', () => {
    expect(complaintOf(new InterruptedError('SIGINT', 'interrupted')).exitCode).toBe(130);
    expect(complaintOf(new InterruptedError('SIGTERM', 'interrupted')).exitCode).toBe(143);
  });
});
