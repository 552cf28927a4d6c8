import { Refusal } from '../refusal.ts';
import { valuesOf } from './known.ts';

type Properties = Readonly<Record<string, string>>;

/** Of a value that is repeated in a sentence. */
const SHOWN_LENGTH = 64;

/**
 * A sentence for each known property whose value is none of those that Nova, Cinder and Glance take. Of
 * properties that are nobody's there is nothing to say.
 */
export function propertyWarnings(properties: Properties): string[] {
  return Object.entries(properties).flatMap(([key, value]) => {
    const values = valuesOf(key);
    if (values === undefined || values.allows(value)) return [];
    const shown = value.length > SHOWN_LENGTH ? `${value.slice(0, SHOWN_LENGTH)}...` : value;
    return [`property ${key} is '${shown}', allowed is ${values.allowed}`];
  });
}

/** INVALID naming keys, values and what is allowed, where the hub is strict about them. */
export function requireKnownValues(properties: Properties): void {
  const warnings = propertyWarnings(properties);
  if (warnings.length === 0) return;
  throw new Refusal('INVALID', warnings.join('; '), {
    hint: 'with `strict_properties: false` in the configuration of the hub this is a warning',
  });
}
