/** Of what was staged before, nobody can say whether it is a given file. */
export const stagedDigest = `
ALTER TABLE images ADD COLUMN staged_sha512 TEXT;
UPDATE images SET staged_sha512 = '' WHERE staged_store_id IS NOT NULL;
`;
