import { CephCluster } from './index.ts';

/**
 * A process that starts a cluster, says so on stdout, and ends without tidying up when a line comes on
 * stdin, at whatever moment. Argument: the cluster's folder.
 */
process.stdin.once('data', () => process.exit(3));
const cluster = await CephCluster.start({ name: 'owned', folder: process.argv[2] ?? '' });
process.stdout.write(`${cluster.fsid}\n`);
