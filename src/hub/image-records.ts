import type { Catalogue } from '../catalogue/catalogue.ts';
import { parseUuid } from '../domain/ids.ts';
import type { Image, ImageChanges } from '../domain/image.ts';
import { MEMBER_STATUSES } from '../domain/member.ts';
import { requireKnownValues } from '../domain/properties/check.ts';
import { Refusal } from '../domain/refusal.ts';
import {
  type Actor,
  actorOf,
  requireChangeable,
  requireMayAnswer,
  requireMayShare,
  requireNewMember,
  requireReadable,
  requireSettled,
  visibleMembers,
} from '../domain/rules/index.ts';
import type { Image as WireImage } from '../rpc/generated/entrepot/v1/Image.ts';
import type { Handlers } from '../rpc/handlers.ts';
import type { ImagesService } from '../rpc/proto.ts';
import { parseOperatorName } from '../trust/identity.ts';
import { parseChanges } from './image-draft.ts';
import { checkCounts, oneOf } from './image-fields.ts';

type RecordMethod =
  | 'Update'
  | 'Deactivate'
  | 'Reactivate'
  | 'AddMember'
  | 'ListMembers'
  | 'SetMember'
  | 'RemoveMember';

export interface RecordParts {
  readonly catalogue: Catalogue;
  /** Refuses values of known properties that nobody understands, in place of a warning. */
  readonly strictProperties: boolean;
  readonly shown: (image: Image, actor: Actor) => WireImage;
}

/** What changes the record of an image, and with whom it is shared; each in one transaction. */
export function recordMethods(parts: RecordParts): Pick<Handlers<ImagesService>, RecordMethod> {
  const { catalogue, shown } = parts;
  const { images, members } = catalogue;

  const update = (imageId: string, changes: ImageChanges, actor: Actor): Image =>
    catalogue.transact(() => {
      const image = images.get(imageId);
      requireReadable(actor, image);
      const record = checkCounts(requireChangeable(actor, image, changes));
      if (parts.strictProperties) requireKnownValues(changes.properties);
      if (record.owner !== image.owner) requireOperator(catalogue, record.owner);
      images.change(imageId, record);
      return images.get(imageId);
    });

  const settle = (imageId: string, verb: 'deactivate' | 'reactivate'): Image =>
    catalogue.transact(() => {
      requireSettled(images.get(imageId), verb);
      images.setStatus(imageId, verb === 'deactivate' ? 'deactivated' : 'active', {});
      return images.get(imageId);
    });

  return {
    Update: async (request, { caller }) => {
      const actor = actorOf(caller);
      return shown(update(parseUuid(request.imageId), parseChanges(request), actor), actor);
    },

    Deactivate: async ({ imageId }, { caller }) =>
      shown(settle(parseUuid(imageId), 'deactivate'), actorOf(caller)),

    Reactivate: async ({ imageId }, { caller }) =>
      shown(settle(parseUuid(imageId), 'reactivate'), actorOf(caller)),

    AddMember: async (request, { caller }) => {
      const imageId = parseUuid(request.imageId);
      const name = parseOperatorName(request.member);
      return catalogue.transact(() => {
        const image = images.get(imageId);
        requireMayShare(actorOf(caller), image);
        requireNewMember(image, name);
        requireOperator(catalogue, name);
        return members.add(imageId, name);
      });
    },

    ListMembers: async (request, { caller }) => {
      const image = images.get(parseUuid(request.imageId));
      return { members: visibleMembers(actorOf(caller), image, members.ofImage(image.id)) };
    },

    SetMember: async (request, { caller }) => {
      const imageId = parseUuid(request.imageId);
      const actor = actorOf(caller);
      const name = request.member === '' ? actor.name : parseOperatorName(request.member);
      const status = oneOf('status', request.status, MEMBER_STATUSES);
      return catalogue.transact(() => {
        requireMayAnswer(actor, images.get(imageId), name);
        return members.setStatus(imageId, name, status);
      });
    },

    RemoveMember: async (request, { caller }) => {
      const imageId = parseUuid(request.imageId);
      const name = parseOperatorName(request.member);
      return catalogue.transact(() => {
        requireMayShare(actorOf(caller), images.get(imageId));
        return members.remove(imageId, name);
      });
    },
  };
}

/** NOT_FOUND for a name that is no operator's, or no longer: it is a slip of whoever typed it. */
export function requireOperator(catalogue: Catalogue, name: string): void {
  const operator = catalogue.operators.find(name);
  if (operator !== undefined && operator.revokedAtMs === undefined) return;
  throw new Refusal('NOT_FOUND', `no operator is named ${name}: nothing was changed`, {
    hint: '`entrepot operator list` shows the operators to an admin',
  });
}
