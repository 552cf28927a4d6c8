import { Refusal } from '../domain/refusal.ts';
import { CONFIG_KEYS } from './config-keys.ts';
import { safeUrl } from './url.ts';

/** Of an encoding, in a sentence: it is what a stranger sent. */
const MAX_SHOWN_CHARACTERS = 40;

/** What was read so far and what would come belong to different files. */
export function changed(url: URL): Refusal {
  return new Refusal('CONFLICT', `${safeUrl(url)} changed while it was read`, {
    hint: 'begin anew: what was read so far is of another file',
  });
}

/** The caller may begin anew; what this reading has got, the server would send once more. */
export function notResumable(url: URL, cause?: Refusal): Refusal {
  const why = cause === undefined ? '' : ` after it broke off (${cause.message})`;
  return new Refusal('CONFLICT', `${safeUrl(url)} cannot be resumed${why}`, {
    hint: 'its server takes no ranges, or gives no ETag and no time of the last change: begin anew',
    cause,
  });
}

/** `sizeBytes` undefined: nobody had said how much would come. */
export function tooLarge(url: URL, sizeBytes: number | undefined, maxBytes: number): Refusal {
  const size = sizeBytes === undefined ? `has more than ${maxBytes} bytes` : `has ${sizeBytes} bytes`;
  const limit = sizeBytes === undefined ? 'which is the most' : `more than the ${maxBytes}`;
  return new Refusal('INVALID', `${safeUrl(url)} ${size}, ${limit} that may be fetched`, {
    hint: `\`${CONFIG_KEYS.maxBytes}\` in the configuration is the limit`,
  });
}

export function encoded(url: URL, coding: string): Refusal {
  const shown = JSON.stringify(coding.slice(0, MAX_SHOWN_CHARACTERS));
  return new Refusal('UNSUPPORTED', `${safeUrl(url)} comes encoded as ${shown}, which nobody asked for`, {
    hint: 'its server must send the file as it is; of a .gz, without Content-Encoding',
  });
}

export function withoutLength(url: URL): Refusal {
  return new Refusal(
    'UNSUPPORTED',
    `${safeUrl(url)}: the server says neither the length nor the end of the file`,
    {
      hint: 'a cut connection would look like a whole file: give a server that sends Content-Length',
    },
  );
}

export function wrongPart(url: URL, fromByte: number): Refusal {
  return new Refusal(
    'UNSUPPORTED',
    `${safeUrl(url)}: asked for the bytes from ${fromByte}, the server sends others`,
    {
      hint: 'a server or proxy on the way does not do ranges right: give another URI',
    },
  );
}

export function tooMuch(url: URL): Refusal {
  return new Refusal('CORRUPT', `${safeUrl(url)}: more bytes came than were announced`, {
    hint: 'a server or proxy on the way is broken: give another URI',
  });
}
