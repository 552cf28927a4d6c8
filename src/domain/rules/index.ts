/**
 * The rules R1 to R13 of DESIGN.md, the product itself: pure functions of what the
 * catalogue knows. Nothing else decides what is allowed.
 *
 * R1, R10, R11: identity.ts. R2 to R4, R6: copying.ts. R5: copying.ts (join) and
 * outcomes.ts (place). R7, R12, R13: outcomes.ts. R8, R9: deleting.ts.
 */
export * from './copying.ts';
export * from './deleting.ts';
export * from './identity.ts';
export * from './outcomes.ts';
export * from './view.ts';
