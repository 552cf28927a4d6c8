import { randomBytes } from 'node:crypto';

/** What the agent of a store is allowed, and all it needs (docs/ceph.md). */
export const IMAGES_CAPS = { mon: 'profile rbd', osd: 'profile rbd pool=images' } as const;

export interface KeyringUser {
  readonly name: string;
  readonly key: string;
  readonly caps: Readonly<Record<string, string>>;
}

/** A new user with a key as `ceph-authtool --gen-key` makes it: type, time, length, 16 random bytes. */
export function keyringUser(name: string, caps: Readonly<Record<string, string>>): KeyringUser {
  const head = Buffer.alloc(12);
  head.writeUInt16LE(1, 0);
  head.writeUInt32LE(Math.floor(Date.now() / 1000), 2);
  head.writeUInt16LE(16, 10);
  return { name, caps, key: Buffer.concat([head, randomBytes(16)]).toString('base64') };
}

export function keyringText(users: readonly KeyringUser[]): string {
  return users
    .map(({ name, key, caps }) =>
      [`[${name}]`, `key = ${key}`, ...Object.entries(caps).map(([on, cap]) => `caps ${on} = "${cap}"`)].join(
        '\n',
      ),
    )
    .join('\n')
    .concat('\n');
}
