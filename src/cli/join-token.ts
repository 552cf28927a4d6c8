import { Refusal } from '../domain/refusal.ts';
import { readStdin } from './standard-input.ts';

/** In the environment, which other users do not see, as they see arguments. */
const VARIABLE = 'ENTREPOT_JOIN_TOKEN';
/** A token, whole or the piece of one that was copied; file names are rarely like this. */
const TOKEN_LIKE = /[A-Za-z0-9_-]{40,}/;

export interface TokenOptions {
  /** `-`: it comes on standard input. */
  readonly token?: string;
  readonly tokenFile?: string;
}

export interface GivenToken {
  readonly text: string;
  /** Of the store it is for. */
  readonly storeId: string;
}

/**
 * The join token, from standard input, a file, the command line or the environment. INVALID when it
 * was not given or is none; its text is in no message.
 */
export async function readJoinToken({ token, tokenFile }: TokenOptions): Promise<GivenToken> {
  const given = await textOf(token, tokenFile);
  if (given === undefined) {
    throw new Refusal('INVALID', 'no join token was given', {
      hint: `--token - takes it from standard input, --token-file from a file; else it is in ${VARIABLE}. \`entrepot store add\` makes one`,
    });
  }
  const { parseJoinToken } = await import('../trust/secret-token.ts');
  const text = given.trim();
  return { text, storeId: parseJoinToken(text).storeId };
}

async function textOf(token: string | undefined, file: string | undefined): Promise<string | undefined> {
  if (token === '-') return await readStdin();
  if (token !== undefined) return token;
  if (file === undefined) return process.env[VARIABLE];
  const { readSecret } = await import('../trust/credentials.ts');
  return await readSecret(file).catch((error: unknown) => {
    throw TOKEN_LIKE.test(file) ? notAFile() : error;
  });
}

/** Without the name, nor what says the name: it may be the secret. */
function notAFile(): Refusal {
  return new Refusal(
    'INVALID',
    '--token-file takes the name of a file, and what it was given looks like a token',
    {
      hint: 'put the token into a file readable by you alone, or give it on standard input: --token -',
    },
  );
}
