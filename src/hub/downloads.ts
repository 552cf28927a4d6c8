import type { Catalogue } from '../catalogue/catalogue.ts';
import { Refusal } from '../domain/refusal.ts';
import { centralOf, isPresent, requireVisible } from '../domain/rules/index.ts';
import { PullSource } from '../rpc/pull-source.ts';
import type { Frame } from '../transfer/frames.ts';
import { Manifest } from '../transfer/manifest.ts';
import type { Attachments } from './attachments.ts';

/**
 * Passes an image on from the central agent to an operator, frame by frame, as fast as the
 * operator takes it. Central is where every image is, and the one agent that can be dialled.
 */
export class Downloads {
  readonly #catalogue: Catalogue;
  readonly #attachments: Attachments;

  constructor(catalogue: Catalogue, attachments: Attachments) {
    this.#catalogue = catalogue;
    this.#attachments = attachments;
  }

  /**
   * Writes the image's data, then the empty frame that ends it. CONFLICT while the image is
   * not active or central lacks it; UNAVAILABLE while the central agent is away.
   */
  async send(imageId: string, write: (frame: Frame) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { image, copies, stores } = this.#catalogue.view(imageId);
    requireVisible(image);
    const { data } = image;
    if (image.status !== 'active' || data === undefined) {
      throw new Refusal(
        'CONFLICT',
        `image ${imageId} is ${image.status}: only an active image can be downloaded`,
      );
    }
    const central = centralOf(stores).id;
    if (!isPresent(copies, central)) {
      throw new Refusal('CONFLICT', `${central} holds no copy of image ${imageId} to download from`, {
        hint: `bring it back first: \`entrepot image copy ${imageId} --stores ${central}\``,
      });
    }
    const agent = this.#attachments.get(central);
    if (agent === undefined) {
      throw new Refusal('UNAVAILABLE', `store ${central} is away`, {
        hint: '`entrepot store list` shows who is online',
      });
    }
    const manifest = Manifest.decode(this.#catalogue.manifests.get(data.root));
    await using source = new PullSource({
      address: agent.transferAddress,
      peer: `agent of store ${central}`,
    });
    for await (const frame of source.pull(imageId, manifest.dataRuns(), signal)) await write(frame);
    await write({ offset: data.sizeBytes, data: new Uint8Array(), last: true });
  }
}
