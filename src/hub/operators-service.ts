import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Credential } from '../domain/credential.ts';
import type { Operator } from '../domain/operator.ts';
import { Refusal } from '../domain/refusal.ts';
import {
  type Caller,
  callerSubject,
  OPERATOR_ROLES,
  type OperatorRole,
  requireAdminLeft,
  requireRight,
} from '../domain/rules/index.ts';
import type { Rights } from '../rpc/caller.ts';
import type { Credential as WireCredential } from '../rpc/generated/entrepot/v1/Credential.ts';
import type { Operator as WireOperator } from '../rpc/generated/entrepot/v1/Operator.ts';
import type { Handlers } from '../rpc/handlers.ts';
import type { OperatorsService } from '../rpc/proto.ts';
import { parseOperatorName } from '../trust/identity.ts';
import type { CutOff } from './cut-off.ts';
import type { Enrolment } from './enrolment.ts';
import { issuedMessage } from './enrolment-service.ts';

export const OPERATORS_RIGHTS: Rights<OperatorsService> = {
  Add: 'administer',
  // For oneself; for anybody else, and to revoke an operator as a whole, more is asked below.
  List: 'known',
  IssueCertificate: 'known',
  IssueToken: 'known',
  Revoke: 'known',
  WhoAmI: 'known',
};

/** Of an operator, in a list: those that are good come first. */
const CREDENTIALS_LISTED = 64;

/** A token is to end before whoever made it is forgotten. */
const TOKEN_LIFETIME_LIMIT_SECONDS = 366 * 86_400;

export interface OperatorsParts {
  readonly catalogue: Catalogue;
  readonly enrolment: Enrolment;
  readonly cutOff: CutOff;
  /** Of certificates the hub hands out, which have to come with the authorities to believe. */
  readonly authorities: () => string;
  readonly tokenLifetimeMs: number;
}

/** proto/entrepot/v1/operators.proto. */
export function operatorsService(parts: OperatorsParts): Handlers<OperatorsService> {
  const { catalogue, enrolment, cutOff } = parts;
  const shown = (operator: Operator) =>
    operatorMessage(
      operator,
      catalogue.credentials.recentOf(`operator/${operator.name}`, CREDENTIALS_LISTED),
    );
  return {
    Add: async (request) => {
      const name = parseOperatorName(request.name);
      const role = parseRole(request.role);
      return shown(catalogue.transact(() => catalogue.operators.add(name, role)));
    },

    List: async (_request, { caller }) => ({ operators: visibleTo(caller, catalogue.operators).map(shown) }),

    IssueCertificate: async ({ name, certificateRequest }, { caller }) => {
      requireSelfOrAdmin(caller, name, 'IssueCertificate');
      catalogue.operators.get(name);
      return issuedMessage(await enrolment.certify(caller, { kind: 'operator', name }, certificateRequest));
    },

    IssueToken: async ({ name, lifetimeSeconds }, { caller }) => {
      requireSelfOrAdmin(caller, name, 'IssueToken');
      if (lifetimeSeconds > TOKEN_LIFETIME_LIMIT_SECONDS) {
        throw new Refusal('INVALID', `a token that is good for ${lifetimeSeconds} s is not made`, {
          hint: `at most ${TOKEN_LIFETIME_LIMIT_SECONDS} s, which is a year`,
        });
      }
      const lifetimeMs = lifetimeSeconds === 0 ? parts.tokenLifetimeMs : lifetimeSeconds * 1000;
      const { token, credential } = enrolment.issueToken(caller, name, lifetimeMs);
      return { token, credential: credentialMessage(credential), authorities: parts.authorities() };
    },

    Revoke: async ({ name, credentialId }, { caller }) => {
      if (credentialId === '') requireRight(caller, 'administer', `Revoke of operator ${name}`);
      else requireSelfOrAdmin(caller, name, 'Revoke');
      const revoked = catalogue.transact(() =>
        credentialId === '' ? revokeOperator(catalogue, name) : revokeOne(catalogue, name, credentialId),
      );
      cutOff.operator(name);
      return shown(revoked);
    },

    WhoAmI: async (_request, { caller }) => ({
      subject: callerSubject(caller),
      role: caller.kind === 'operator' ? caller.role : '',
    }),
  };
}

/** Operators make and revoke credentials of their own, an admin those of anybody. */
function requireSelfOrAdmin(caller: Caller, name: string, method: string): void {
  if (caller.kind === 'operator' && caller.name === name) return;
  requireRight(caller, 'administer', `${method} for operator ${name}`);
}

/** An admin sees all operators, others themselves. */
function visibleTo(caller: Caller, operators: Catalogue['operators']): Operator[] {
  if (caller.kind === 'operator' && caller.role !== 'admin') return [operators.get(caller.name)];
  requireRight(caller, 'administer', 'List');
  return operators.all();
}

function revokeOperator(catalogue: Catalogue, name: string): Operator {
  catalogue.operators.get(name);
  requireAdminLeft(catalogue.operators.all(), name);
  catalogue.credentials.revokeAll(`operator/${name}`);
  return catalogue.operators.revoke(name);
}

function revokeOne(catalogue: Catalogue, name: string, credentialId: string): Operator {
  const operator = catalogue.operators.get(name);
  const credential = catalogue.credentials.get(credentialId);
  if (credential.subject !== `operator/${name}`) {
    throw new Refusal('NOT_FOUND', `operator ${name} has no credential ${credentialId}`, {
      hint: '`entrepot operator list` shows the credentials of each operator',
    });
  }
  catalogue.credentials.revoke(credential.id);
  return operator;
}

function parseRole(text: string): OperatorRole {
  const role = OPERATOR_ROLES.find((one) => one === text);
  if (role !== undefined) return role;
  throw new Refusal('INVALID', `role '${text}' is not known`, {
    hint: `one of ${OPERATOR_ROLES.join(', ')}`,
  });
}

function operatorMessage(operator: Operator, credentials: readonly Credential[]): WireOperator {
  const { name, role, createdAtMs, revokedAtMs = 0 } = operator;
  return { name, role, createdAtMs, revokedAtMs, credentials: credentials.map(credentialMessage) };
}

function credentialMessage({
  id,
  kind,
  createdAtMs,
  expiresAtMs,
  revokedAtMs = 0,
}: Credential): WireCredential {
  return { id, kind, createdAtMs, expiresAtMs, revokedAtMs };
}
