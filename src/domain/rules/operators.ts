import type { Operator } from '../operator.ts';
import { Refusal } from '../refusal.ts';

/** CONFLICT when revoking `name` would leave nobody who may administer. */
export function requireAdminLeft(operators: readonly Operator[], name: string): void {
  const admins = operators.filter((one) => one.role === 'admin' && one.revokedAtMs === undefined);
  if (admins.length !== 1 || admins[0]?.name !== name) return;
  throw new Refusal('CONFLICT', `${name} is the last admin: nobody could administer after that`, {
    hint: 'add another admin first: `entrepot operator add NAME --role admin`',
  });
}
