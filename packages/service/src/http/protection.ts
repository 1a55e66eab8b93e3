import { type Clock, Documents, type EventSystem, type Logger } from '@tradpal/event-system'
import { Audit } from '@tradpal/event-system/audit'
import { Access } from '../access/index.ts'
import type { ServiceConfiguration } from '../configuration.ts'
import { ServiceTls } from '../tls/index.ts'
import type { Metrics } from './metrics.ts'

export interface ProtectionOptions {
  readonly system: EventSystem
  readonly configuration: ServiceConfiguration
  readonly metrics: Metrics
  readonly logger: Logger
  /** By which credentials expire. */
  readonly clock: Clock
}

/** What stands between an app and whoever calls it. */
export interface Protection {
  readonly access: Access
  /** Undefined: it speaks HTTP without TLS. */
  readonly tls: ServiceTls | undefined
  /** Undefined: nothing is recorded. */
  readonly audit: Audit | undefined
  close(): Promise<void>
}

/** Opens all of it, or leaves nothing open. Rejects with `invalid_options` when a file cannot be used. */
export async function openProtection(options: ProtectionOptions): Promise<Protection> {
  const { system, configuration, metrics, logger, clock } = options
  const opened: { close(): unknown }[] = []
  const keep = <Part extends { close(): unknown }>(part: Part): Part => {
    opened.push(part)
    return part
  }
  const close = async () => {
    for (const part of opened) await part.close()
  }
  try {
    const { access: ofAccess, audit: ofAudit, limits } = configuration
    const tls = ofAccess.tls && keep(await ServiceTls.read(ofAccess.tls, logger, clock))
    const access = keep(
      await Access.open({
        configuration: ofAccess,
        documents: new Documents(system.storage),
        clock,
        logger,
        failuresPerMinute: limits.authFailuresPerMinute,
        onTooManyFailures: () => metrics.rateLimited.inc({ limit: 'auth_failures' })
      })
    )
    const { isOn, retentionMs } = ofAudit
    const trimmedByItself = () => system.retention.removedByItself
    const audit = isOn
      ? keep(new Audit({ storage: system.auditLog().storage, clock, logger, retentionMs, trimmedByItself }))
      : undefined
    await audit?.startSoon()
    return { access, tls, audit, close }
  } catch (error) {
    await close()
    throw error
  }
}
