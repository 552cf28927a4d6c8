/** How fast image data goes: rates, pauses and lanes; and what is to be handed out, found without reading all tasks. */
export const pacing = `
ALTER TABLE stores ADD COLUMN rate TEXT;                 -- a timetable; none: no limit
ALTER TABLE stores ADD COLUMN paused_at_ms INTEGER;
ALTER TABLE jobs ADD COLUMN rate TEXT;
ALTER TABLE jobs ADD COLUMN paused_at_ms INTEGER;
ALTER TABLE jobs ADD COLUMN lane TEXT NOT NULL DEFAULT 'normal';

CREATE INDEX jobs_running ON jobs (lane, sequence) WHERE state = 'running';
CREATE INDEX tasks_queued ON tasks (not_before_ms) WHERE state = 'queued';
CREATE INDEX tasks_at_work ON tasks (job_id) WHERE state IN ('assigned', 'running', 'waiting');
`;
