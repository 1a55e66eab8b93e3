/** The partition of a key, from 0 to `partitions - 1`: FNV-1a, 32 bits (Fowler, Noll, Vo, RFC 9923), over its UTF-16 code units. */
export function partitionOfKey(key: string, partitions: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % partitions
}
