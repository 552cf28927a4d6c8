/** Jobs at a thousand stores each, and a hundred such jobs: no question about a few tasks reads the others. */
export const wideJobs = `
DROP INDEX tasks_queued;
DROP INDEX tasks_at_work;
CREATE INDEX tasks_unended_of_job ON tasks (job_id, state) WHERE state NOT IN ('done', 'failed');
CREATE INDEX jobs_unended_of_image ON jobs (image_id, sequence) WHERE state IN ('queued', 'running');
CREATE INDEX tasks_delayed ON tasks (not_before_ms) WHERE state = 'queued' AND not_before_ms > 0;
CREATE INDEX tasks_at_work ON tasks (job_id) WHERE state IN ('assigned', 'running', 'waiting') AND attempt > 0;
CREATE INDEX tasks_waiting ON tasks (source_store_id, id) WHERE state = 'waiting';
`;
