import { setFlagsFromString } from 'node:v8';

/**
 * How much may be allocated from one full collection of V8's to the next, in per cent of what is alive. HTTP/2
 * hands bytes over in a buffer of their own for each 16 KiB, and all of these count until a collection of the
 * young objects, which is cheap, frees them. By itself V8 allows an agent, with its 25 MiB alive, so little
 * beyond that it marks the whole heap again for every 20 MiB that are received: that took as long as TLS did.
 */
const GROWTH_PERCENT = 200;

// Imported for this effect, and early: it holds from the next full collection on.
setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
