/** Where in the configuration an operator finds what a refusal of this folder is about. */
export const CONFIG_KEYS = {
  allowedSchemes: 'web_download.allowed_schemes',
  disallowedSchemes: 'web_download.disallowed_schemes',
  allowedHosts: 'web_download.allowed_hosts',
  disallowedHosts: 'web_download.disallowed_hosts',
  allowedPorts: 'web_download.allowed_ports',
  disallowedPorts: 'web_download.disallowed_ports',
  allowedNetworks: 'web_download.allowed_networks',
  maxBytes: 'web_download.max_bytes',
  caFile: 'web_download.ca_file',
} as const;
