import { core } from './0001-core.ts';
import { trust } from './0002-trust.ts';
import { pacing } from './0003-pacing.ts';
import { wideJobs } from './0004-wide-jobs.ts';
import { taskTotals } from './0005-task-totals.ts';
import { records } from './0006-records.ts';
import { imports } from './0007-imports.ts';
import { leftOver } from './0008-left-over.ts';
import { givenProperties } from './0009-given-properties.ts';
import { stagedDigest } from './0010-staged-digest.ts';

/** In order; the number of those applied is the database's `user_version`. Never edit one that was released. */
export const MIGRATIONS: readonly string[] = [
  core,
  trust,
  pacing,
  wideJobs,
  taskTotals,
  records,
  imports,
  leftOver,
  givenProperties,
  stagedDigest,
];
