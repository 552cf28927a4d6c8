export { CephCluster, type ClusterOptions, type CommandOptions, startClusters } from './cluster.ts';
export { ensureCeph } from './packages.ts';
