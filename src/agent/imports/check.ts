import type { FoundFormat } from '../../domain/image.ts';
import { Refusal } from '../../domain/refusal.ts';
import { isOpaque, requireKept } from '../../image/entry.ts';
import { SignatureCheck } from '../../image/signature/check.ts';
import { signatureOf } from '../../image/signature/image-signature.ts';
import { type ByteCheck, SourceCheck } from '../../image/source-check.ts';
import type { IntakeCheck } from '../../transfer/ingest.ts';
import type { Details } from '../../transfer/metadata.ts';
import type { IngestWork } from '../messages.ts';
import type { ImportParts } from './parts.ts';

/** What hears of all the bytes of an import as they come. */
export async function checkOf(work: IngestWork, imports: ImportParts): Promise<SourceCheck> {
  const { declared, expected, signatureProperties } = work;
  const inspection = isOpaque(declared.containerFormat) ? undefined : imports.rules.inspection;
  return new SourceCheck({
    inspection,
    expected,
    signature: await signatureCheck(signatureProperties, imports),
  });
}

async function signatureCheck(
  properties: IngestWork['signatureProperties'],
  { certificates }: ImportParts,
): Promise<ByteCheck | undefined> {
  const signature = signatureOf(properties);
  if (signature === undefined) return undefined;
  if (certificates === undefined) {
    throw new Refusal(
      'INVALID',
      'the image is signed, and this site has no certificates to check that with',
      {
        hint: 'set `imports.certificates` in the configuration of the agent, or take the img_signature properties away',
      },
    );
  }
  return new SignatureCheck(signature, await certificates.find(signature.certificateId));
}

/** Bytes that go into the store as they come: looked at on the way, and refused as soon as they cannot be kept so. */
export class KeptBytes implements IntakeCheck {
  readonly #check: SourceCheck;
  readonly #work: IngestWork;
  readonly #imports: ImportParts;
  #isLookedAt = false;

  constructor(check: SourceCheck, work: IngestWork, imports: ImportParts) {
    this.#check = check;
    this.#work = work;
    this.#imports = imports;
  }

  async update(bytes: Uint8Array): Promise<void> {
    await this.#check.update(bytes);
    this.#look();
  }

  async skip(lengthBytes: number, signal: AbortSignal): Promise<void> {
    await this.#check.skip(lengthBytes, signal);
    this.#look();
  }

  async settle(): Promise<Details> {
    const { declared, recordJson } = this.#work;
    const { format, virtualSizeBytes } = requireKept(await this.#check.end(), declared, this.#imports.rules);
    return detailsOf(recordJson, format, virtualSizeBytes);
  }

  /** Once, when the first bytes say what the file is. */
  #look(): void {
    const { format } = this.#check;
    if (this.#isLookedAt || format === undefined) return;
    this.#isLookedAt = true;
    const found = { ok: true, format, virtualSizeBytes: 1, variant: undefined, properties: {} } as const;
    requireKept(found, this.#work.declared, this.#imports.rules);
  }
}

/** Bytes that were looked at before. */
export function knownBytes(details: Details): IntakeCheck {
  return { update: async () => {}, skip: async () => {}, settle: async () => details };
}

/** What is written beside an image: its record with the format it has now. */
export function detailsOf(recordJson: string, format: FoundFormat, virtualSizeBytes?: number): Details {
  const record = JSON.parse(recordJson) as { readonly properties?: Readonly<Record<string, string>> };
  const { diskFormat, containerFormat, properties } = format;
  const stored = {
    ...record,
    diskFormat,
    containerFormat,
    properties: { ...properties, ...record.properties },
  };
  return { recordJson: JSON.stringify(stored), formatJson: JSON.stringify(format), virtualSizeBytes };
}
