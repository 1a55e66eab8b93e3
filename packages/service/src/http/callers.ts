import type { FastifyRequest } from 'fastify'
import { networkOf, type Principal } from '../access/index.ts'
import type { Caller } from '../limits/index.ts'

/** Who a request is counted for: its principal, and where nobody has shown who they are, its address. */
export function callerOf({ principal, raw }: Pick<FastifyRequest, 'principal' | 'raw'>): Caller {
  if (principal.proof !== 'nothing') return ofPrincipal(principal)
  // A socket without an address is one of this machine's own.
  const network = networkOf(raw.socket.remoteAddress ?? 'this machine')
  return { key: `address:${network}`, shown: `Your address (${network})`, limits: principal.limits }
}

/** One for each principal, however often it asks. */
const callers = new WeakMap<Principal, Caller>()

function ofPrincipal(principal: Principal): Caller {
  const known = callers.get(principal)
  if (known !== undefined) return known
  const { name, limits } = principal
  const caller = { key: `principal:${name}`, shown: name, limits }
  callers.set(principal, caller)
  return caller
}
