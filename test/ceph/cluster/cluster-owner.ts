import { CephCluster } from './index.ts';

/**
 * A process that starts a cluster, says so on stdout, and then ends as it is told on stdin:
 * `exit` without tidying up, or never. Arguments: the cluster's folder.
 */
const cluster = await CephCluster.start({ name: 'owned', folder: process.argv[2] ?? '' });
process.stdout.write(`${cluster.fsid}\n`);
process.stdin.once('data', () => process.exit(3));
