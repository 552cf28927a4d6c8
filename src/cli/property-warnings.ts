import type { Session } from './session.ts';
import type { Image } from './wire.ts';

/** Says, to people, which properties nobody will understand. A script has them in the image. */
export function warnOfProperties(session: Session, { propertyWarnings }: Image): void {
  for (const warning of propertyWarnings) session.warn(warning);
}
