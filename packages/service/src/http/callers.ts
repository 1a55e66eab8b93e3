import type { Principal } from '@tradpal/event-system/access'
import type { FastifyRequest } from 'fastify'
import { networkOf } from '../access/index.ts'
import type { Caller } from '../limits/index.ts'
import { type AskedConnection, connectionOf } from '../tls/index.ts'

/** Who a request is counted for: its principal, and where nobody has shown who they are, its address. */
export function callerOf({ principal, raw }: Pick<FastifyRequest, 'principal' | 'raw'>): Caller {
  return principal.proof === 'nothing' ? ofAddress(principal, raw) : ofPrincipal(principal)
}

/** One for each connection, since one has one address for as long as it lasts. */
const strangers = new WeakMap<AskedConnection, Caller>()

function ofAddress({ limits }: Principal, raw: FastifyRequest['raw']): Caller {
  const connection = connectionOf(raw)
  const known = strangers.get(connection)
  // The policy may have changed.
  if (known !== undefined && known.limits === limits) return known
  // A socket without an address is one of this machine's own.
  const network = networkOf(raw.socket.remoteAddress ?? 'this machine')
  const caller = { key: `address:${network}`, shown: `Your address (${network})`, limits }
  strangers.set(connection, caller)
  return caller
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
