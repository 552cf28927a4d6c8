import { DEFAULT_LANE, LANES, type Lane } from '../domain/lane.ts';
import { Refusal } from '../domain/refusal.ts';

/** `normal` when left out; INVALID for one that is not known. */
export function parseLane(text: string): Lane {
  if (text === '') return DEFAULT_LANE;
  const lane = LANES.find((one) => one === text);
  if (lane !== undefined) return lane;
  throw new Refusal('INVALID', `lane '${text}' is not known`, { hint: `one of ${LANES.join(', ')}` });
}
