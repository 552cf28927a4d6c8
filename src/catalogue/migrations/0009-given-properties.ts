/** The properties as they are without what an import has found or injected; NULL where none has. */
export const givenProperties = `
ALTER TABLE images ADD COLUMN given_properties TEXT;
`;
