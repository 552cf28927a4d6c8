import { isStoreId } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';

/** Who a certificate speaks for. Operators' roles are not in it: the hub's catalogue has them. */
export type Identity =
  | { readonly kind: 'hub' }
  | { readonly kind: 'store'; readonly storeId: string }
  | { readonly kind: 'operator'; readonly name: string };

export const HUB: Identity = Object.freeze({ kind: 'hub' });

/** The trust domain of SPIFFE IDs (https://spiffe.io, SPIFFE-ID standard, section 2). */
const PREFIX = 'spiffe://entrepot/';

const OPERATOR_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** The URI that stands in a certificate: `spiffe://entrepot/hub`, `.../store/dcn0`, `.../operator/alice`. */
export function uriOf(identity: Identity): string {
  return `${PREFIX}${subjectOf(identity)}`;
}

/** As in the catalogue and its events: `hub`, `store/dcn0`, `operator/alice`. */
export function subjectOf(identity: Identity): string {
  switch (identity.kind) {
    case 'hub':
      return 'hub';
    case 'store':
      return `store/${identity.storeId}`;
    case 'operator':
      return `operator/${identity.name}`;
  }
}

/** For sentences: `the hub`, `store dcn0`, `operator alice`. */
export function nameOf(identity: Identity): string {
  return identity.kind === 'hub' ? 'the hub' : subjectOf(identity).replace('/', ' ');
}

/** Undefined when the URI names nothing of ours. */
export function identityOfUri(uri: string): Identity | undefined {
  if (!uri.startsWith(PREFIX)) return undefined;
  const [kind, name, ...rest] = uri.slice(PREFIX.length).split('/');
  if (rest.length > 0) return undefined;
  if (kind === 'hub' && name === undefined) return HUB;
  if (kind === 'store' && name !== undefined && isStoreId(name)) return { kind, storeId: name };
  if (kind === 'operator' && name !== undefined && OPERATOR_NAME.test(name)) return { kind, name };
  return undefined;
}

export function isSameIdentity(one: Identity, other: Identity): boolean {
  return subjectOf(one) === subjectOf(other);
}

/** An operator's name: lower-case letters, digits, dots, dashes and underscores. INVALID otherwise. */
export function parseOperatorName(text: string): string {
  if (OPERATOR_NAME.test(text)) return text;
  throw new Refusal('INVALID', `operator name '${text.slice(0, 64)}' is not valid`, {
    hint: 'lower-case letters, digits, dots, dashes and underscores, at most 63',
  });
}
