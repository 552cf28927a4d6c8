import { FRAME_BYTES } from './link-spec.ts';

/** Of `struct virtio_net_hdr`, which Linux puts before each packet of a TUN device that asks for it. */
export const HEADER_BYTES = 10;

const GSO_TYPE_AT = 1;
const SEGMENT_BYTES_AT = 4;
const TRANSPORT_AT = 6;
/** In the TCP header: its length, in words of four bytes, in the upper half. */
const TCP_LENGTH_AT = 12;

/**
 * What a packet takes of the link. Linux hands TCP's data over in pieces of up to 64 KiB that a network card would cut:
 * such a piece counts as the packets it would be, each with its headers.
 */
export function linkBytes(packet: Uint8Array, length: number): number {
  const view = new DataView(packet.buffer, packet.byteOffset, length);
  const ipBytes = length - HEADER_BYTES;
  if (view.getUint8(GSO_TYPE_AT) === 0) return ipBytes + FRAME_BYTES;
  const transport = view.getUint16(TRANSPORT_AT, true);
  const tcpBytes = (view.getUint8(HEADER_BYTES + transport + TCP_LENGTH_AT) >> 4) * 4;
  const headers = transport + tcpBytes;
  const segments = Math.max(1, Math.ceil((ipBytes - headers) / view.getUint16(SEGMENT_BYTES_AT, true)));
  return ipBytes + (segments - 1) * headers + segments * FRAME_BYTES;
}
