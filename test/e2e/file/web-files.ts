import type { RequestListener } from 'node:http';
import type { Image } from '../../../src/cli/wire.ts';
import type { Bench } from '../helpers-file.ts';

/** An image without data. */
export async function makeRecord(bench: Bench, name: string, diskFormat: string): Promise<Image> {
  return await bench.calls.createImage({
    id: '',
    name,
    diskFormat,
    containerFormat: 'bare',
    visibility: '',
    protected: false,
    osHidden: false,
    minDiskGib: 0,
    minRamMib: 0,
    tags: [],
    properties: {},
  });
}

/** Answers with a part of the file, and with the rest when it is let go. */
export function heldAfter(bytes: Buffer, heldBytes: number) {
  const gate = Promise.withResolvers<void>();
  const listener: RequestListener = (_request, response) => {
    response.writeHead(200, { 'content-length': bytes.length, etag: '"v1"' });
    response.write(bytes.subarray(0, heldBytes));
    void gate.promise.then(() => response.end(bytes.subarray(heldBytes)));
  };
  return { listener, release: () => gate.resolve() };
}
