import { constants } from 'node:fs';
import { access, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CA_FILE, CA_KEY_FILE, IDENTITY_FILE, TOKEN_FILE } from '../trust/credentials.ts';
import { makeSecretFolder, writePublic, writeSecret } from '../trust/files.ts';
import { withFile } from './file-errors.ts';
import { requireNewFile } from './new-file.ts';

/**
 * The folder that new credentials go into. It is made ready before the hub is asked for them, so that
 * a secret that is shown once has a place to go; disposing of it takes a folder away that stayed empty.
 */
export class CredentialsTarget implements AsyncDisposable {
  readonly folder: string;
  readonly #isNew: boolean;

  private constructor(folder: string, isNew: boolean) {
    this.folder = folder;
    this.#isNew = isNew;
  }

  /**
   * ALREADY_EXISTS when the folder holds credentials, unless they are to be replaced; otherwise what
   * keeps us from writing there.
   */
  static async prepare(
    folder: string,
    { replace }: { readonly replace: boolean },
  ): Promise<CredentialsTarget> {
    if (!replace) {
      for (const name of [CA_FILE, IDENTITY_FILE, TOKEN_FILE, CA_KEY_FILE]) {
        await requireNewFile(join(folder, name), 'name another folder with --operator-credentials');
      }
    }
    const isNew = await stat(folder).then(
      () => false,
      () => true,
    );
    await withFile(`write into ${folder}`, async () => {
      await makeSecretFolder(folder);
      await access(folder, constants.W_OK | constants.X_OK);
    });
    return new CredentialsTarget(folder, isNew);
  }

  /** `secret`: the text of identity.pem, or the API token. */
  async fill(caPem: string, kind: 'certificate' | 'token', secret: string): Promise<void> {
    const file = kind === 'certificate' ? IDENTITY_FILE : TOKEN_FILE;
    await withFile(`write into ${this.folder}`, async () => {
      await writePublic(join(this.folder, CA_FILE), caPem);
      await writeSecret(join(this.folder, file), secret);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Fails when it holds something, which then stays.
    if (this.#isNew) await rmdir(this.folder).catch(() => {});
  }
}
