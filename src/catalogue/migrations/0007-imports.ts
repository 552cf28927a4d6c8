/**
 * Files that wait beside a store to be imported, and where an import downloads from: a URI may hold credentials, so
 * it is not in the job's spec, which everybody is shown, and goes when the job ends.
 */
export const imports = `
ALTER TABLE images ADD COLUMN staged_store_id TEXT;
ALTER TABLE images ADD COLUMN staged_bytes INTEGER;
ALTER TABLE jobs ADD COLUMN source_uri TEXT;
UPDATE jobs SET spec = json_set(spec, '$.source', json('{"method":"upload"}')) WHERE kind = 'import';
`;
