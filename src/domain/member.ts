/** Where the sharing of an image with an operator stands: offered, taken, turned down. */
export const MEMBER_STATUSES = ['pending', 'accepted', 'rejected'] as const;
export type MemberStatus = (typeof MEMBER_STATUSES)[number];

/** An operator with whom an image is shared. It counts while the image has the visibility `shared`. */
export interface ImageMember {
  readonly imageId: string;
  /** The operator's name. */
  readonly member: string;
  readonly status: MemberStatus;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}
