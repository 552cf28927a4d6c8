import type { Right } from '../domain/rules/rights.ts';

export type { Authenticate, Presented } from '../trust/caller.ts';

/** What each method of a service asks of its caller. */
export type Rights<Service> = { readonly [Name in keyof Service]: Right };
