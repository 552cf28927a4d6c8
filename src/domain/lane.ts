/** In order: who comes first. `demand`: somebody waits for the image. `background`: nobody does yet. */
export const LANES = ['demand', 'normal', 'background'] as const;
export type Lane = (typeof LANES)[number];

export const DEFAULT_LANE: Lane = 'normal';

/** Whether `lane` comes before the other one. */
export function comesBefore(lane: Lane, other: Lane): boolean {
  return LANES.indexOf(lane) < LANES.indexOf(other);
}
