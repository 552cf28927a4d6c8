import type { OperatorRole } from './rules/rights.ts';

/** A person or program that asks for things, as the hub knows it. */
export interface Operator {
  readonly name: string;
  readonly role: OperatorRole;
  readonly createdAtMs: number;
  /** Set: every credential of it is refused. */
  readonly revokedAtMs: number | undefined;
}
