import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import { type ByteCheck, SourceCheck, type SourceCheckSettings } from '../../../src/image/source-check.ts';
import { noise, qcow2File } from './inspect/files.ts';

const inspection = { maxVirtualSizeBytes: 2 ** 40 };
const FILE = noise(300_000);
const hex = (algorithm: string) => createHash(algorithm).update(FILE).digest('hex');

async function checked(settings: Partial<SourceCheckSettings>, file = FILE) {
  await using check = new SourceCheck({ inspection, expected: {}, ...settings });
  for (let at = 0; at < file.length; at += 70_000) await check.update(file.subarray(at, at + 70_000));
  return await check.end();
}

test('a file that hashes to all that was said of it may come in', async () => {
  const expected = { md5: hex('md5'), sha256: hex('sha256').toUpperCase(), sha512: hex('sha512') };
  expect(await checked({ expected })).toMatchObject({ format: 'raw', virtualSizeBytes: FILE.length });
});

test.each(['md5', 'sha256', 'sha512'] as const)('a wrong %s refuses it, naming both', async (name) => {
  const wrong = hex(name).replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
  await expect(checked({ expected: { [name]: wrong } })).rejects.toMatchObject({
    code: 'INVALID',
    message: `the ${name} of the file is ${hex(name)}, not ${wrong}`,
  });
});

test('what is skipped counts as zeros', async () => {
  const sha256 = createHash('sha256').update(FILE).update(Buffer.alloc(200_000)).digest('hex');
  await using check = new SourceCheck({ inspection, expected: { sha256 } });
  await check.update(FILE);
  await check.skip(200_000, new AbortController().signal);
  expect(await check.end()).toMatchObject({ virtualSizeBytes: FILE.length + 200_000 });
});

test('a file that is certain to be refused is refused before its end, whatever it hashes to', async () => {
  const file = Buffer.alloc(1024 * 1024);
  qcow2File({ edit: (bytes) => bytes.writeBigUInt64BE(1n << 40n, 72) }).copy(file);
  await using check = new SourceCheck({ inspection, expected: { md5: hex('md5') } });
  const refused = check.update(file);
  await expect(refused).rejects.toMatchObject({
    code: 'INVALID',
    message: expect.stringContaining('features'),
  });
});

test('an opaque file is not looked into, and hashed all the same', async () => {
  const file = qcow2File({ edit: (bytes) => bytes.writeBigUInt64BE(1n << 40n, 72) });
  const md5 = createHash('md5').update(file).digest('hex');
  expect(await checked({ inspection: undefined, expected: { md5 } }, file)).toBeUndefined();
});

test('a bad signature refuses a file that is right in all else; it hears of every byte', async () => {
  let heardBytes = 0;
  let isClosed = false;
  const signature: ByteCheck = {
    update: async (bytes) => {
      heardBytes += bytes.length;
    },
    verify: async () => {
      throw new Refusal('INVALID', 'the signature does not match');
    },
    [Symbol.asyncDispose]: async () => {
      isClosed = true;
    },
  };
  await expect(checked({ signature, expected: { md5: hex('md5') } })).rejects.toThrow(
    'the signature does not match',
  );
  expect([heardBytes, isClosed]).toEqual([FILE.length, true]);
});
