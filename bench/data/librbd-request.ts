import type { ImageName } from '../common/image-plan.ts';

/** What librbd-process.ts is asked, as JSON in its only argument. */
export interface LibrbdRequest {
  /** `compare` reads a copy back; `read` and `write` are the limits; `remove` tidies up. */
  readonly work: 'read' | 'write' | 'compare' | 'remove';
  readonly confPath: string;
  readonly pool: string;
  readonly imageId: string;
  /** The image as a raw file, and what is in it. */
  readonly file: string;
  readonly sizeBytes: number;
  readonly image: ImageName;
}

/** What `compare` finds; the others answer with an empty object. */
export interface Comparison {
  /** Of the first chunk that differs; absent when none does. */
  readonly differsAt?: number;
  /** Of the objects that the copy has. */
  readonly poolBytes: number;
}
