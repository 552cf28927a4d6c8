/**
 * The rules R1 to R13 of DESIGN.md, the product itself: pure functions of what the
 * catalogue knows. Nothing else decides what is allowed.
 *
 * R1, R10, R11: identity.ts. R2 to R4, R6: copying.ts. R5: copying.ts (join) and
 * outcomes.ts (place). R7, R12, R13: outcomes.ts. R8, R9: deleting.ts. Who may ask at all: rights.ts;
 * who sees an image: reading.ts; who changes its record, and holds it back: changing.ts; with whom it is
 * shared: sharing.ts. What may come in: formats.ts. What a pause holds back: pausing.ts. What an admin may
 * take away: stores.ts, operators.ts. How many credentials somebody has: credentials.ts.
 */
export * from './changing.ts';
export * from './copying.ts';
export * from './credentials.ts';
export * from './deleting.ts';
export * from './formats.ts';
export * from './identity.ts';
export * from './operators.ts';
export * from './outcomes.ts';
export * from './pausing.ts';
export * from './reading.ts';
export * from './rights.ts';
export * from './sharing.ts';
export * from './stores.ts';
export * from './view.ts';
