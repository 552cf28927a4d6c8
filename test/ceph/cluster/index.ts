export { CephCluster, type ClusterOptions, type CommandOptions, startClusters } from './cluster.ts';
export { cephMissing, ensureCeph } from './packages.ts';
