import type { ImageMember } from './member.ts';

/** Where an image stands (DESIGN.md, section 4). */
export const IMAGE_STATUSES = [
  'queued',
  'uploading',
  'importing',
  'active',
  'deactivated',
  'pending_delete',
  'deleted',
] as const;
export type ImageStatus = (typeof IMAGE_STATUSES)[number];

export const VISIBILITIES = ['public', 'community', 'shared', 'private'] as const;
export type Visibility = (typeof VISIBILITIES)[number];

/** Formats Glance knows; what is stored is always raw unless said otherwise. */
export const DISK_FORMATS = [
  'raw',
  'qcow2',
  'vmdk',
  'vhd',
  'vhdx',
  'vdi',
  'iso',
  'ploop',
  'aki',
  'ari',
  'ami',
] as const;
export type DiskFormat = (typeof DISK_FORMATS)[number];

export const CONTAINER_FORMATS = ['bare', 'ovf', 'ova', 'docker', 'aki', 'ari', 'ami', 'compressed'] as const;
export type ContainerFormat = (typeof CONTAINER_FORMATS)[number];

/** The fields an owner gives; the rest of the record is found out. */
export interface ImageDraft {
  readonly name: string;
  readonly visibility: Visibility;
  readonly owner: string;
  readonly protected: boolean;
  readonly osHidden: boolean;
  readonly diskFormat: DiskFormat;
  readonly containerFormat: ContainerFormat;
  readonly minDiskGib: number;
  readonly minRamMib: number;
  readonly tags: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
}

/** What an owner changes of a record: fields that are left out stay as they are. */
export interface ImageChanges extends Partial<Omit<ImageDraft, 'tags' | 'properties'>> {
  /** Set, whether they are there already or not. */
  readonly properties: Readonly<Record<string, string>>;
  readonly removedProperties: readonly string[];
  readonly addedTags: readonly string[];
  readonly removedTags: readonly string[];
}

/** What is known of an image's data once it has entered; immutable from then on. */
export interface ImageData {
  readonly sizeBytes: number;
  /** Size of the disk a guest sees: for raw data the same as sizeBytes. */
  readonly virtualSizeBytes: number;
  /** Bytes in chunks that are not holes. */
  readonly dataBytes: number;
  /** MD5 of the whole raw image, hexadecimal, as Glance has it. */
  readonly checksum: string;
  readonly osHashAlgo: 'sha512';
  readonly osHashValue: string;
  /** SHA-256 of the manifest, hexadecimal. */
  readonly root: string;
}

/** What lies beside a store, in any format, to be imported from there. */
export interface StagedFile {
  readonly storeId: string;
  readonly sizeBytes: number;
  /** Of the file, in hexadecimal; empty when it is not known. */
  readonly sha512: string;
}

/** What became of a file's format when its data was taken in. */
export interface FoundFormat {
  readonly diskFormat: DiskFormat;
  readonly containerFormat: ContainerFormat;
  /** What its headers say that a guest's machine has to know; the owner's own values win. */
  readonly properties: Readonly<Record<string, string>>;
}

/** The Glance v2 record. `data` is there from the moment the status is active, and stays. */
export interface Image extends ImageDraft {
  readonly id: string;
  readonly status: ImageStatus;
  readonly data: ImageData | undefined;
  readonly staged: StagedFile | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** With whom it is shared; only where its visibility is `shared`. */
  readonly members?: readonly ImageMember[];
}

/** What a reader may be shown: deleted images, and those on their way there, are gone. */
export function isVisible(image: Pick<Image, 'status'>): boolean {
  return image.status !== 'pending_delete' && image.status !== 'deleted';
}

/** Allowed moves; a deleted image stays a row, so that its UUID is never used again. */
export const IMAGE_TRANSITIONS: Readonly<Record<ImageStatus, readonly ImageStatus[]>> = {
  queued: ['uploading', 'importing', 'pending_delete'],
  uploading: ['importing', 'queued', 'pending_delete'],
  importing: ['active', 'queued', 'pending_delete'],
  active: ['deactivated', 'pending_delete'],
  deactivated: ['active', 'pending_delete'],
  pending_delete: ['deleted'],
  deleted: [],
};
