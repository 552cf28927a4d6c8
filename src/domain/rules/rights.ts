import { Refusal } from '../refusal.ts';

export const OPERATOR_ROLES = ['admin', 'member', 'reader'] as const;

/** What an operator may: everything; its own images; look. */
export type OperatorRole = (typeof OPERATOR_ROLES)[number];

/** An operator who asks. */
export interface Actor {
  readonly name: string;
  readonly role: OperatorRole;
}

/** Who is at the other end of a call. */
export type Caller =
  | { readonly kind: 'operator'; readonly name: string; readonly role: OperatorRole }
  /** The agent of a store. */
  | { readonly kind: 'store'; readonly storeId: string }
  | { readonly kind: 'hub' }
  /** Somebody who showed neither certificate nor token. */
  | { readonly kind: 'nobody' };

export const NOBODY: Caller = Object.freeze({ kind: 'nobody' });

/**
 * What a method asks of its caller. Each has one, and which image or store it is about is looked at
 * after that.
 */
export const RIGHTS = {
  /** To ask with a join token: the token is the proof. */
  enrol: 'anyone',
  /** To be known. */
  known: 'an identity of this cloud',
  /** To see images, copies, jobs and stores. */
  read: 'the role reader, member or admin',
  /** To make images, and to change one's own (R11). */
  change: 'the role member or admin',
  /** To see who did what. */
  audit: 'the role reader or admin',
  /** To change stores and operators. */
  administer: 'the role admin',
  /** To report for a store and to work at its tasks. */
  serve: "the certificate of a store's agent",
  /** To read or deliver an image at an agent, with a ticket. */
  transfer: "the certificate of a store's agent, or of the hub",
} as const;

export type Right = keyof typeof RIGHTS;

/** FORBIDDEN naming the right that is missing; UNAUTHENTICATED when the caller is nobody. */
export function requireRight(caller: Caller, right: Right, what: string): void {
  if (holds(caller, right)) return;
  if (caller.kind === 'nobody') {
    throw new Refusal(
      'UNAUTHENTICATED',
      `${what} needs ${RIGHTS[right]}, and the caller showed no identity`,
      {
        hint: 'use the credentials of an operator: --credentials FOLDER, or ENTREPOT_CREDENTIALS',
      },
    );
  }
  throw new Refusal('FORBIDDEN', `${callerName(caller)} may not call ${what}: it needs ${RIGHTS[right]}`, {
    hint: caller.kind === 'operator' ? 'ask an admin, or use the credentials of another operator' : undefined,
  });
}

/** As in events and logs: `operator/alice`, `store/dcn0`, `hub`, `nobody`. */
export function callerSubject(caller: Caller): string {
  if (caller.kind === 'operator') return `operator/${caller.name}`;
  return caller.kind === 'store' ? `store/${caller.storeId}` : caller.kind;
}

/** For sentences: `alice (reader)`, `the agent of store dcn0`. */
function callerName(caller: Caller): string {
  if (caller.kind === 'operator') return `${caller.name} (${caller.role})`;
  if (caller.kind === 'store') return `the agent of store ${caller.storeId}`;
  return caller.kind === 'hub' ? 'the hub' : 'nobody';
}

function holds(caller: Caller, right: Right): boolean {
  if (right === 'enrol') return true;
  switch (caller.kind) {
    case 'nobody':
      return false;
    case 'hub':
      return right === 'known' || right === 'transfer';
    case 'store':
      return right === 'known' || right === 'transfer' || right === 'serve';
    case 'operator':
      return HELD[caller.role].includes(right);
  }
}

const HELD: Readonly<Record<OperatorRole, readonly Right[]>> = {
  reader: ['known', 'read', 'audit'],
  member: ['known', 'read', 'change'],
  admin: ['known', 'read', 'audit', 'change', 'administer'],
};

/** The operator behind a call that has a right only operators have. */
export function actorOf(caller: Caller): Actor {
  if (caller.kind === 'operator') return { name: caller.name, role: caller.role };
  throw new Refusal('FORBIDDEN', `${callerName(caller)} is no operator`);
}

/** The store behind a call that has the right to serve one. */
export function storeOf(caller: Caller): string {
  if (caller.kind === 'store') return caller.storeId;
  throw new Refusal('FORBIDDEN', `${callerName(caller)} is not the agent of a store`);
}
