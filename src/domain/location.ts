import { SNAPSHOT_NAME, type StoreIdentity } from './store.ts';

/** The URL of a present copy, in Glance's form: driver, fsid, pool, image, snapshot. */
export function locationUrl(identity: StoreIdentity, imageId: string): string {
  const parts = [identity.fsid, identity.pool, imageId, SNAPSHOT_NAME].map(encodeURIComponent);
  return `${identity.driver}://${parts.join('/')}`;
}
