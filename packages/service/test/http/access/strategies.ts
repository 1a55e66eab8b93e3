import { ApiKeys } from '../../../src/access/index.ts'
import type { RunningService } from '../../../src/index.ts'

export type Headers = Record<string, string>

export interface Credentials {
  /** Of a principal that may do just this. */
  may(...scopes: string[]): Promise<Headers>
  readonly wrong: Headers
  readonly expired: Headers
  readonly revoked: Headers
}

/** How somebody proves who they are. */
export interface Strategy {
  readonly environment: Record<string, string>
  /** For a service that runs. */
  credentials(service: RunningService): Promise<Credentials>
}

const bearer = (text: string) => ({ authorization: `Bearer ${text}` })

export async function apiKeyStrategy(): Promise<Strategy> {
  return {
    environment: {},
    async credentials({ system }) {
      const { records } = system.log
      const now = { now: () => Date.now(), sleep: async () => {} }
      const aWeekAgo = { ...now, now: () => Date.now() - 7 * 86_400_000 }
      const keys = new ApiKeys(records, now)
      const everything = { name: 'a_service', scopes: ['*'], by: 'a test' }
      const old = new ApiKeys(records, aWeekAgo)
      const expired = await old.create({ ...everything, expiresAt: Date.now() - 86_400_000 })
      const revoked = await keys.create(everything)
      await keys.revoke(revoked.apiKey.id)
      return {
        may: async (...scopes) => bearer((await keys.create({ name: 'a_service', scopes, by: 'a test' })).key),
        wrong: bearer(`tradpal_AAAAAAAAAAAA_${'A'.repeat(43)}`),
        expired: bearer(expired.key),
        revoked: bearer(revoked.key)
      }
    }
  }
}
