import type { RedisAddress } from './address.ts'
import { ClusterLocator } from './cluster-locator.ts'
import { fixedLocator, type Locator } from './locator.ts'
import { type Credentials, SentinelLocator } from './sentinel-locator.ts'
import type { RedisTlsOptions } from './tls.ts'

/** How the servers of an address are reached. */
export interface LocatorOptions {
  readonly address: RedisAddress
  readonly tls: RedisTlsOptions
  /** Of the sentinels, when they are others than those of the master. */
  readonly sentinel: Credentials | undefined
}

export function newLocator({ address, tls, sentinel }: LocatorOptions, key: string): Locator {
  if (address.kind === 'cluster') return new ClusterLocator(address, tls, key)
  if (address.kind === 'sentinel') return new SentinelLocator(address, tls, sentinel)
  return fixedLocator({ url: address.servers[0], tls })
}
