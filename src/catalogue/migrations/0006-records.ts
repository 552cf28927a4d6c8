/** Records that are changed, shared with operators, and found by what they say. */
export const records = `
CREATE TABLE image_members (
  image_id      TEXT NOT NULL REFERENCES images (id),
  member        TEXT NOT NULL,                 -- an operator's name
  status        TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (image_id, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_members_by_member ON image_members (member, status);

DROP INDEX images_by_status;
CREATE INDEX images_by_status ON images (status, created_at_ms, id);
CREATE INDEX images_by_name ON images (name, id);
CREATE INDEX images_by_change ON images (updated_at_ms, id);
CREATE INDEX images_by_size ON images (ifnull(size_bytes, -1), id);
CREATE INDEX images_by_owner ON images (owner, created_at_ms, id);
`;
