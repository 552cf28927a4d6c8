import type {
  ContainerFormat,
  DiskFormat,
  Image,
  ImageData,
  ImageDraft,
  ImageStatus,
  StagedFile,
  Visibility,
} from '../domain/image.ts';

/** An image as its table has it. */
export interface ImageRow {
  id: string;
  status: ImageStatus;
  name: string;
  visibility: Visibility;
  owner: string;
  protected: number;
  os_hidden: number;
  disk_format: DiskFormat;
  container_format: ContainerFormat;
  min_disk_gib: number;
  min_ram_mib: number;
  tags: string;
  properties: string;
  size_bytes: number | null;
  virtual_size_bytes: number;
  data_bytes: number;
  checksum: string;
  os_hash_algo: 'sha512';
  os_hash_value: string;
  root: string;
  staged_store_id: string | null;
  staged_bytes: number;
  staged_sha512: string;
  given_properties: string | null;
  created_at_ms: number;
  updated_at_ms: number;
}

export function imageOfRow(row: ImageRow): Image {
  const data: ImageData | undefined =
    row.size_bytes === null
      ? undefined
      : {
          sizeBytes: row.size_bytes,
          virtualSizeBytes: row.virtual_size_bytes,
          dataBytes: row.data_bytes,
          checksum: row.checksum,
          osHashAlgo: row.os_hash_algo,
          osHashValue: row.os_hash_value,
          root: row.root,
        };
  const staged: StagedFile | undefined =
    row.staged_store_id === null
      ? undefined
      : { storeId: row.staged_store_id, sizeBytes: row.staged_bytes, sha512: row.staged_sha512 };
  return {
    id: row.id,
    status: row.status,
    name: row.name,
    visibility: row.visibility,
    owner: row.owner,
    protected: row.protected === 1,
    osHidden: row.os_hidden === 1,
    diskFormat: row.disk_format,
    containerFormat: row.container_format,
    minDiskGib: row.min_disk_gib,
    minRamMib: row.min_ram_mib,
    tags: JSON.parse(row.tags) as string[],
    properties: JSON.parse(row.properties) as Record<string, string>,
    data,
    staged,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}

/** What an owner may give, by the names of parameters. */
export function columnsOf(draft: ImageDraft) {
  return {
    ...draft,
    protected: draft.protected ? 1 : 0,
    osHidden: draft.osHidden ? 1 : 0,
    tags: JSON.stringify(draft.tags),
    properties: JSON.stringify(draft.properties),
  };
}
