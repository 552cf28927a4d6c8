import { describe, expect, it } from 'vitest';
import { createLoggers } from '../../../src/telemetry/log.ts';
import {
  currentFields,
  isRequestId,
  newRequestId,
  withFields,
} from '../../../src/telemetry/request-context.ts';

function capture(level: 'info' | 'debug' = 'info') {
  const texts: string[] = [];
  const target = { write: (text: string) => void texts.push(text) };
  const loggers = createLoggers({ component: 'agent', level, storeId: 'dcn0', target });
  return { loggers, texts, lines: () => texts.map((text) => JSON.parse(text) as Record<string, unknown>) };
}

describe('a log line', () => {
  it('is one JSON object with the time, the level by name, and who wrote it', () => {
    const { loggers, texts, lines } = capture();
    loggers.transfer.warn({ sizeBytes: 7 }, 'two\nlines');
    expect(texts).toHaveLength(1);
    expect(texts[0]).toMatch(/^[^\n]*\n$/);
    expect(lines()[0]).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      level: 'warn',
      component: 'agent',
      part: 'transfer',
      storeId: 'dcn0',
      sizeBytes: 7,
      msg: 'two\nlines',
    });
  });

  it('below the level is not written', () => {
    const { loggers, texts } = capture();
    loggers.main.debug('no');
    expect(texts).toEqual([]);
  });

  it('has the fields of the work that is running, also of children and after waiting', async () => {
    const { loggers, lines } = capture();
    const child = loggers.rpc.child({ method: 'M' });
    await withFields({ requestId: 'r', jobId: 'j' }, async () => {
      await Promise.resolve();
      await withFields({ taskId: 't', imageId: 'i', jobId: undefined }, async () => {
        await new Promise((resolve) => setImmediate(resolve));
        child.info('inside');
      });
      loggers.main.info('between');
    });
    loggers.main.info('outside');
    expect(lines()[0]).toMatchObject({ requestId: 'r', jobId: 'j', taskId: 't', imageId: 'i', method: 'M' });
    expect(lines()[1]).toMatchObject({ requestId: 'r', jobId: 'j' });
    expect(lines()[1]).not.toHaveProperty('taskId');
    expect(lines()[2]).not.toHaveProperty('requestId');
  });

  it('of one logger does not spoil the fields of the next', () => {
    const { loggers, lines } = capture();
    withFields({ requestId: 'r' }, () => {
      loggers.main.info({ taskId: 'only here' }, 'one');
      loggers.main.info('two');
      expect(currentFields()).toEqual({ requestId: 'r' });
    });
    expect(lines()[1]).not.toHaveProperty('taskId');
  });

  it.each([
    'token',
    'ticket',
    'key',
    'privateKeyPem',
    'keyring',
    'password',
    'secret',
    'authorization',
    'bearer',
  ])('never shows a %s, at whatever level it stands', (name) => {
    const { loggers, texts } = capture();
    const hidden = { [name]: 'AQBzZXNhbWU=' };
    loggers.main.info({ ...hidden, ceph: { ...hidden, client: { ...hidden, id: 'images' } } }, 'config');
    loggers.main.child({ ...hidden }).info('child');
    expect(texts.join('')).not.toContain('AQBz');
    expect(texts.join('')).toContain('images');
  });
});

describe('a request id', () => {
  it.each(['a', 'cli-1.2_3', 'x'.repeat(64), newRequestId()])('may be %s', (text) => {
    expect(isRequestId(text)).toBe(true);
  });
  it.each(['', 'a b', 'a\n', 'é', 'x'.repeat(65), '"'])('may not be %j', (text) => {
    expect(isRequestId(text)).toBe(false);
  });
});
