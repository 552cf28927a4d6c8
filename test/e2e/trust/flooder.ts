// `node flooder.ts ADDRESS CREDENTIALS SECONDS CONNECTIONS`: asks as fast as it can, and never waits for
// an answer before it asks again. Prints how many answers of each kind it got.
import { Metadata, status } from '@grpc/grpc-js';
import { loadCredentials } from '../../../src/trust/credentials.ts';
import { rawClient } from '../../cloud/raw-client.ts';

const [address = '', folder = '', seconds = '5', connections = '8'] = process.argv.slice(2);
const IN_FLIGHT = 100;

const shown = await loadCredentials(folder);
const answers: Record<string, number> = {};
const endMs = Date.now() + Number(seconds) * 1000;
const same = (bytes: Buffer) => bytes;

function ask(client: ReturnType<typeof rawClient>): Promise<void> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      '/entrepot.v1.Images/List',
      same,
      same,
      Buffer.alloc(0),
      new Metadata(),
      { deadline: Date.now() + 5000 },
      (error) => {
        const name = status[error?.code ?? status.OK] ?? '';
        answers[name] = (answers[name] ?? 0) + 1;
        resolve();
      },
    );
  });
}

async function flood(): Promise<void> {
  while (Date.now() < endMs) {
    // A client that was cut off comes again with a new connection.
    using client = rawClient(address, shown);
    for (let round = 0; round < 20 && Date.now() < endMs; round += 1) {
      await Promise.all(Array.from({ length: IN_FLIGHT }, () => ask(client)));
    }
  }
}

await Promise.all(Array.from({ length: Number(connections) }, flood));
console.log(JSON.stringify(answers));
