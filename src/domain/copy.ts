/** States of a copy; a copy that is absent has no row. */
export const COPY_STATES = ['copying', 'present', 'deleting', 'failed', 'lost', 'corrupt'] as const;
export type CopyState = (typeof COPY_STATES)[number];

/** The pair image x store. The hub's table of copies is the truth. */
export interface Copy {
  readonly imageId: string;
  readonly storeId: string;
  readonly state: CopyState;
  /** Why it failed, was lost, or cannot be deleted yet. */
  readonly reason: string | undefined;
  /** The root the agent read back and found right; set when present. */
  readonly verifiedRoot: string | undefined;
  readonly verifiedAtMs: number | undefined;
  /** Failed, and whole there all the same: only a delete removes it. What else failed is half there at most. */
  readonly isLeftOver: boolean;
  readonly updatedAtMs: number;
}

/** From a state to the states it may become; 'absent' is the row's absence. */
export const COPY_TRANSITIONS: Readonly<Record<CopyState | 'absent', readonly (CopyState | 'absent')[]>> = {
  absent: ['copying'],
  copying: ['present', 'failed', 'deleting', 'absent'],
  failed: ['copying', 'deleting', 'absent'],
  // Absent: of an import that is taken back, where the image lay before and stays.
  present: ['lost', 'corrupt', 'deleting', 'absent'],
  lost: ['copying', 'deleting', 'absent', 'present'],
  corrupt: ['copying', 'deleting', 'absent'],
  deleting: ['absent', 'present', 'failed'],
};
