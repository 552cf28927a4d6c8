export { CephCluster, type ClusterOptions, startClusters } from './cluster.ts';
export { ensureCeph } from './packages.ts';
