import ipaddr from 'ipaddr.js'

/**
 * Ranges that no packet from the internet comes from: loopback, private use (RFC 1918, RFC 4193) and link-local (RFC 3927, RFC 4291).
 */
const PRIVATE: readonly string[] = ['loopback', 'private', 'linkLocal', 'uniqueLocal']

/** A text that is no address is not private. */
export function isPrivateAddress(text: string): boolean {
  const address = parsed(text)
  return address !== undefined && PRIVATE.includes(address.range())
}

/** The owner of an address has all that begin so: of IPv6 the first 64 bits, which are given to one place as a whole (RFC 6177). A text that is no address stays as it is. */
export function networkOf(text: string): string {
  const address = parsed(text)
  if (address === undefined) return text
  if (!(address instanceof ipaddr.IPv6)) return address.toString()
  const groups = address.parts.slice(0, 4).map((group) => group.toString(16))
  return `${groups.join(':')}::/64`
}

/** An IPv4 address in four decimal parts, also where IPv6 has it, or an IPv6 address. The library takes other forms too, such as octal ones. */
function parsed(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(text) || (text.includes(':') && ipaddr.IPv6.isValid(text))
  return isAddress ? ipaddr.process(text) : undefined
}

/**
 * The addresses that proxies say a request came through, by X-Forwarded-For, X-Real-IP or Forwarded (RFC 7239). Fastify's `trustProxy`
 * knows the first alone, and would take the host of the request from a header too.
 */
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
