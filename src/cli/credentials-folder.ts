import { homedir } from 'node:os';
import { join } from 'node:path';

/** As `--help` and the documentation name it. */
export const DEFAULT_FOLDER_NAME = '~/.config/entrepot';

/** Where this user's credentials are kept unless told otherwise. */
export function defaultCredentialsFolder(): string {
  return join(homedir(), '.config', 'entrepot');
}
