import { resolve } from 'node:path';

/** Where systemd puts what a unit's LoadCredential= names; in its environment. */
const VARIABLE = 'CREDENTIALS_DIRECTORY';
const PREFIX = /^\$CREDENTIALS_DIRECTORY(?=\/|$)/;

/**
 * An absolute path: from the folder of the configuration, unless it begins with
 * `$CREDENTIALS_DIRECTORY`. That stays as it is where systemd has not set it, so that a configuration
 * can be checked anywhere. What is read from there is then not found; who writes asks `isUnresolved` first.
 */
export function resolvePath(folder: string, given: string): string {
  const directory = process.env[VARIABLE];
  if (!PREFIX.test(given)) return resolve(folder, given);
  return directory === undefined ? given : resolve(given.replace(PREFIX, directory));
}

/** Whether a path of a configuration is for systemd to say: as it is, it would be a folder of that name. */
export function isUnresolved(path: string): boolean {
  return PREFIX.test(path);
}
