// Generates the types of the wire contract: proto/ -> src/rpc/generated/.
// `--check` writes nothing and fails when the tree is not what proto/ says.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { execa } from 'execa';

const ROOT = new URL('..', import.meta.url).pathname;
const TARGET = join(ROOT, 'src/rpc/generated');

/** Must match the options of src/rpc/proto.ts, which loads the same files at run time. */
const OPTIONS = ['--longs=Number', '--enums=String', '--defaults', '--oneofs', '--keepCase=false'];

async function generate(folder: string): Promise<void> {
  const protos = (await readdir(join(ROOT, 'proto/entrepot/v1'))).filter((name) => name.endsWith('.proto'));
  await execa(
    'proto-loader-gen-types',
    [
      ...OPTIONS,
      '--grpcLib=@grpc/grpc-js',
      '--importFileExtension=.ts',
      `--includeDirs=${join(ROOT, 'proto')}`,
      `--outDir=${folder}`,
      ...protos.map((name) => `entrepot/v1/${name}`),
    ],
    { preferLocal: true, localDir: ROOT },
  );
  // The generator names its source by absolute path: the same tree must give the same text anywhere.
  for (const path of await sources(folder)) {
    await writeFile(path, (await readFile(path, 'utf8')).replaceAll(ROOT, ''));
  }
}

async function sources(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => join(folder, name));
}

/** Every file below a folder with its text, in a fixed order. */
async function contents(folder: string): Promise<string> {
  const texts = (await sources(folder)).map(
    async (path) => `${relative(folder, path)}\n${await readFile(path, 'utf8')}`,
  );
  return (await Promise.all(texts)).join('\n');
}

if (process.argv.includes('--check')) {
  const fresh = await mkdtemp(join(tmpdir(), 'entrepot-gen-'));
  try {
    await generate(fresh);
    if ((await contents(fresh)) !== (await contents(TARGET))) {
      console.error('src/rpc/generated is not what proto/ says: run `npm run gen` and commit the result');
      process.exitCode = 1;
    }
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
} else {
  await rm(TARGET, { recursive: true, force: true });
  await generate(TARGET);
}
