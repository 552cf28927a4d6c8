import type { Credential, Event, Operator } from '../wire.ts';
import { detailOf } from './json.ts';
import { table } from './table.ts';
import { formatTime } from './units.ts';

/** A line for each credential; one for an operator that has none. */
export function operatorsTable(operators: readonly Operator[], nowMs = Date.now()): string {
  return table(
    [
      { header: 'OPERATOR' },
      { header: 'ROLE' },
      { header: 'STATE' },
      { header: 'KIND' },
      { header: 'CREDENTIAL' },
      { header: 'CREATED' },
      { header: 'EXPIRES' },
    ],
    operators.flatMap((operator) => {
      const { name, role, credentials } = operator;
      if (credentials.length > 0) {
        return credentials.map((one) => [name, role, stateOf(operator, one, nowMs), ...credentialCells(one)]);
      }
      const state = operator.revokedAtMs > 0 ? 'revoked' : 'active';
      return [[name, role, state, '-', '-', formatTime(operator.createdAtMs), '-']];
    }),
  );
}

function credentialCells({ kind, id, createdAtMs, expiresAtMs }: Credential): string[] {
  return [kind, id, formatTime(createdAtMs), formatTime(expiresAtMs)];
}

function stateOf(operator: Operator, credential: Credential, nowMs: number): string {
  if (operator.revokedAtMs > 0 || credential.revokedAtMs > 0) return 'revoked';
  return credential.expiresAtMs <= nowMs ? 'expired' : 'active';
}

export function eventsTable(events: readonly Event[]): string {
  return table(
    [
      { header: 'TIME' },
      { header: 'ACTOR' },
      { header: 'FROM' },
      { header: 'KIND' },
      { header: 'IMAGE' },
      { header: 'STORE' },
      { header: 'OUTCOME' },
      { header: 'REQUEST' },
      { header: 'DETAIL' },
    ],
    events.map((event) => [
      formatTime(event.atMs),
      event.actor,
      event.peer || '-',
      event.kind,
      event.imageId || '-',
      event.storeId || '-',
      event.outcome,
      event.requestId || '-',
      detailWords(event.detailJson),
    ]),
  );
}

/** `name=bob role=member`; whoever needs the rest asks for JSON. */
function detailWords(text: string): string {
  const detail = detailOf(text);
  if (typeof detail !== 'object' || detail === null) return text;
  return Object.entries(detail)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
}
