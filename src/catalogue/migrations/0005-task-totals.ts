/** What the attempts at a task came to, for as long as the task is known. */
export const taskTotals = `
ALTER TABLE tasks ADD COLUMN totals TEXT;                -- JSON; none before an attempt has ended
`;
