import { readFileSync, writeFileSync } from 'node:fs';

const AVAILABLE = '/proc/sys/net/ipv4/tcp_available_congestion_control';
const ALLOWED = '/proc/sys/net/ipv4/tcp_allowed_congestion_control';

/** What this kernel's TCP senders can go by. */
export function congestionControls(): string[] {
  return wordsOf(AVAILABLE);
}

/** Lets other network namespaces choose it until it is disposed of: Linux lets them have only what all users may. */
export function allowCongestionControl(name: string): Disposable {
  const allowed = wordsOf(ALLOWED);
  if (allowed.includes(name)) return { [Symbol.dispose]: () => {} };
  writeFileSync(ALLOWED, [...allowed, name].join(' '));
  return { [Symbol.dispose]: () => writeFileSync(ALLOWED, allowed.join(' ')) };
}

function wordsOf(file: string): string[] {
  return readFileSync(file, 'utf8').trim().split(' ');
}
