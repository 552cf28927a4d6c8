/** Copies that are whole in their store though no job wants them. Those from before are told by their reason, once. */
export const leftOver = `
ALTER TABLE copies ADD COLUMN left_over INTEGER NOT NULL DEFAULT 0;
UPDATE copies SET left_over = 1 WHERE state = 'failed' AND reason LIKE 'left over from job %';
`;
