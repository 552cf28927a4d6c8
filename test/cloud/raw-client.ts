import { Client, credentials } from '@grpc/grpc-js';
import type { Credentials } from '../../src/trust/credentials.ts';

/** What a client without the product's own care shows: a certificate, or nothing but trust in the other side. */
export type Shown = Credentials | { readonly caPem: string };

/** A gRPC client as any program may be one, for what the product's own client would never send. */
export function rawClient(address: string, shown: Shown): Client & Disposable {
  const [key, chain] =
    'privateKeyPem' in shown ? [Buffer.from(shown.privateKeyPem), Buffer.from(shown.chainPem)] : [null, null];
  const channel = credentials.createSsl(Buffer.from(shown.caPem), key, chain, {
    checkServerIdentity: () => undefined,
  });
  // A name, since TLS knows no numbers here; nobody compares it.
  const options = { 'grpc.ssl_target_name_override': 'entrepot' };
  return Object.assign(new Client(address, channel, options), {
    [Symbol.dispose](this: Client) {
      this.close();
    },
  });
}
