import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Something that must be nowhere but where it belongs: by its name, as text. */
export type Secrets = ReadonlyMap<string, string>;

/** Shorter than this, a text is found by chance. */
const SHORTEST = 16;

/** Private keys, tokens and whatever else the given files hold. */
export function secretsIn(files: readonly string[]): Map<string, string> {
  const secrets = new Map<string, string>();
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    const keys = text.match(/-----BEGIN [A-Z ]*PRIVATE KEY-----\n[\s\S]+?-----END/g) ?? [];
    for (const [index, key] of keys.entries()) {
      // The first line of any such key says what kind it is; the second is of this one alone.
      const line = key.split('\n')[2];
      if (line !== undefined) secrets.set(`key ${index} of ${file}`, line);
    }
    const token = /entrepot-(?:join|api)-[A-Za-z0-9_-]+/.exec(text)?.[0];
    if (token !== undefined) secrets.set(`token in ${file}`, token);
    const cephx = /key = ([A-Za-z0-9+/=]{30,})/.exec(text)?.[1];
    if (cephx !== undefined) secrets.set(`keyring ${file}`, cephx);
  }
  for (const [name, text] of secrets) if (text.length < SHORTEST) throw new Error(`${name} is no secret`);
  return secrets;
}

/** Where any of the secrets stands in a text: one line each, as `where: which`. */
export function leaksInText(where: string, text: string, secrets: Secrets): string[] {
  return [...secrets].filter(([, secret]) => text.includes(secret)).map(([name]) => `${where}: ${name}`);
}

/** As `leaksInText`, over every file below a folder but those named. */
export function leaksInFolder(folder: string, secrets: Secrets, except: ReadonlySet<string>): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && !except.has(path))
    .flatMap((path) => leaksInText(path, readFileSync(path, 'latin1'), secrets));
}

/** Command lines and environments' names aside: what `ps` shows of every process to everybody. */
export function leaksInProcesses(secrets: Secrets): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const text = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
        return leaksInText(`${pid} ${text.slice(0, 60)}`, text, secrets);
      } catch {
        // It ended meanwhile.
        return [];
      }
    });
}
