import { isUnresolved } from '../config/paths.ts';
import { Refusal } from '../domain/refusal.ts';

/**
 * INVALID when the credentials folder of a configuration is the one that systemd makes for a unit, and
 * there is no unit here. `hint`: where to write instead.
 */
export function requireWritableFolder(folder: string, configPath: string, hint: string): void {
  if (!isUnresolved(folder)) return;
  const sentence = `\`credentials\` of ${configPath} is ${folder}, which systemd makes for a unit and is not here`;
  throw new Refusal('INVALID', sentence, { hint });
}
