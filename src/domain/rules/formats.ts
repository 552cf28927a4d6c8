import type { ContainerFormat, DiskFormat, ImageDraft } from '../image.ts';
import { Refusal } from '../refusal.ts';

/** What the cloud's operator lets in, of all that is known. */
export interface AllowedFormats {
  readonly diskFormats: readonly DiskFormat[];
  readonly containerFormats: readonly ContainerFormat[];
}

/** INVALID naming the format that is not let in, and those that are. */
export function requireAllowedFormats(
  { diskFormat, containerFormat }: Pick<ImageDraft, 'diskFormat' | 'containerFormat'>,
  { diskFormats, containerFormats }: AllowedFormats,
): void {
  requireOneOf('disk_format', diskFormat, diskFormats);
  requireOneOf('container_format', containerFormat, containerFormats);
}

function requireOneOf(field: string, format: string, allowed: readonly string[]): void {
  if (allowed.includes(format)) return;
  throw new Refusal('INVALID', `${field} ${format} is not allowed in this cloud`, {
    hint: `allowed: ${allowed.join(', ')} (\`${field}s\` in the configuration of the hub)`,
  });
}
