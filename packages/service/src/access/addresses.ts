import { BlockList, isIPv6 } from 'node:net'

/**
 * Addresses that no packet from the internet comes from: loopback, private use (RFC 1918, RFC 4193) and link-local
 * (RFC 3927, RFC 4291).
 */
const PRIVATE = new BlockList()
PRIVATE.addSubnet('127.0.0.0', 8)
PRIVATE.addSubnet('10.0.0.0', 8)
PRIVATE.addSubnet('172.16.0.0', 12)
PRIVATE.addSubnet('192.168.0.0', 16)
PRIVATE.addSubnet('169.254.0.0', 16)
PRIVATE.addAddress('::1', 'ipv6')
PRIVATE.addSubnet('fc00::', 7, 'ipv6')
PRIVATE.addSubnet('fe80::', 10, 'ipv6')

/** What is no address is not private. */
export function isPrivateAddress(text: string): boolean {
  const address = text.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  try {
    return PRIVATE.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
  } catch {
    return false
  }
}

/** Who has an address has all that begin so: of IPv6 the first 64 bits, which are given to one place as a whole (RFC 6177). */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  if (!isIPv6(plain)) return plain
  const [before = '', after] = plain.split('::')
  const groups = before === '' ? [] : before.split(':')
  const missing = after === undefined ? 0 : 8 - groups.length - after.split(':').filter((group) => group !== '').length
  const all = [...groups, ...Array<string>(missing).fill('0'), ...(after ?? '').split(':')]
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}

/** The addresses that proxies say a request came through, by X-Forwarded-For, X-Real-IP or Forwarded (RFC 7239). */
export function forwardedAddresses(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>
): string[] {
  const listed = [headers['x-forwarded-for'], headers['x-real-ip']].flatMap(textsOf)
  const named = textsOf(headers.forwarded).flatMap((text) =>
    [...text.matchAll(/for=("[^"]*"|[^;,\s]*)/gi)].map(([, value = '']) => value)
  )
  return [...listed.flatMap((text) => text.split(',')), ...named].map(bareAddress).filter((address) => address !== '')
}

function textsOf(header: string | readonly string[] | undefined): readonly string[] {
  return header === undefined ? [] : [header].flat()
}

/** Without quotes, brackets and a port. */
function bareAddress(text: string): string {
  const plain = text.trim().replaceAll('"', '')
  return /^\[([^\]]*)\]/.exec(plain)?.[1] ?? plain.replace(/^([\d.]+):\d+$/, '$1')
}
