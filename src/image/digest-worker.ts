import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import type { DigestReply, DigestRequest } from './digest-thread.ts';

// The thread's side of DigestThread. It imports nothing of ours at run time: the file must
// start from src and from dist alike.

const { algorithm } = workerData as { readonly algorithm: string };
const ZEROS = Buffer.alloc(1024 * 1024);
let stream = createHash(algorithm);

function answer(request: DigestRequest): Uint8Array | undefined {
  if (request.kind === 'digest') return createHash(algorithm).update(request.bytes).digest();
  if (request.kind === 'update') stream.update(request.bytes);
  else if (request.kind === 'zeros') {
    for (let left = request.lengthBytes; left > 0; left -= ZEROS.length) {
      stream.update(left >= ZEROS.length ? ZEROS : ZEROS.subarray(0, left));
    }
  } else {
    const digest = stream.digest();
    stream = createHash(algorithm);
    return digest;
  }
  return undefined;
}

parentPort?.on('message', (request: DigestRequest & { readonly id: number }) => {
  const reply: DigestReply = { id: request.id, digest: answer(request) };
  parentPort?.postMessage(reply);
});
