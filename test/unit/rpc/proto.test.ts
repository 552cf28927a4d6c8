import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Agents, Images, Jobs, Stores, Transfer } from '../../../src/rpc/proto.ts';
import type { Frame } from '../../../src/transfer/frames.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const FRAME: Frame = { offset: 5_000_000_000, data: Buffer.from('abc'), last: true };

describe('the wire contract', () => {
  it('is what the generated types say', async () => {
    await promisify(execFile)(process.execPath, ['scripts/gen.ts', '--check'], { cwd: ROOT });
  });

  it.each([
    [Images.Upload, 'bidi_stream', '/entrepot.v1.Images/Upload'],
    [Images.Get, 'unary', '/entrepot.v1.Images/Get'],
    [Jobs.Watch, 'server_stream', '/entrepot.v1.Jobs/Watch'],
    [Stores.List, 'unary', '/entrepot.v1.Stores/List'],
    [Agents.Attach, 'bidi_stream', '/entrepot.v1.Agents/Attach'],
    [Transfer.Pull, 'server_stream', '/entrepot.v1.Transfer/Pull'],
  ] as const)('%# has the right kind and path', (method, kind, path) => {
    expect([method.kind, method.path]).toEqual([kind, path]);
  });

  it.each([
    ['Images.Upload', Images.Upload.requestSerialize, Images.Upload.requestDeserialize],
    ['Images.Download', Images.Download.responseSerialize, Images.Download.responseDeserialize],
    ['Agents.PullUpload', Agents.PullUpload.responseSerialize, Agents.PullUpload.responseDeserialize],
    ['Transfer.Pull', Transfer.Pull.responseSerialize, Transfer.Pull.responseDeserialize],
  ] as const)('%s carries frames in the hand-written codec', (_name, serialize, deserialize) => {
    const bytes = serialize(FRAME);
    const { data, ...rest } = deserialize(bytes);
    expect(rest).toEqual({ offset: FRAME.offset, last: true });
    expect(Buffer.from(data).toString()).toBe('abc');
    // proto-loader copies and gives members in the order of the .proto file; ours hands out a view.
    expect(data.buffer).toBe(bytes.buffer);
  });

  it('Transfer.Push too', () => {
    const { requestSerialize, requestDeserialize } = Transfer.Push;
    const bytes = requestSerialize({ frame: FRAME });
    const message = requestDeserialize(bytes);
    expect(Object.keys(message)).toEqual(['frame']);
    expect('frame' in message && message.frame.data.buffer).toBe(bytes.buffer);
    const hello = { taskId: 't', attempt: 3, imageId: 'i' };
    expect(requestDeserialize(requestSerialize({ hello }))).toEqual({ hello });
  });

  it('reads numbers as numbers, gives defaults, and leaves out what is optional', () => {
    const { responseSerialize, responseDeserialize } = Images.Get;
    const image = responseDeserialize(responseSerialize({ id: 'i', createdAtMs: 1_700_000_000_000 }));
    expect(image).toMatchObject({
      createdAtMs: 1_700_000_000_000,
      minDiskGib: 0,
      tags: [],
      properties: {},
      name: '',
    });
    expect(image.sizeBytes).toBeUndefined();
    const big = responseDeserialize(responseSerialize({ sizeBytes: Number.MAX_SAFE_INTEGER }));
    expect(big.sizeBytes).toBe(Number.MAX_SAFE_INTEGER);
  });
});
