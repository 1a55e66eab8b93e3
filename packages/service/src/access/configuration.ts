import type { Environment, EnvironmentReader } from '@tradpal/event-system'

/** Who is asked for credentials. */
export type AuthMode = 'required' | 'optional' | 'off'

/** Who may use the service. */
export interface AccessConfiguration {
  /**
   * EVENT_AUTH: `required` refuses whoever shows no credentials; `optional` takes them for `anonymous`, who may do what the
   * policy gives to that name; `off` asks nobody. Default: `required` when EVENT_POLICY_FILE or another variable says who may
   * come, and otherwise as `off`, and only for loopback and private addresses.
   */
  readonly auth: AuthMode | undefined
  /** EVENT_POLICY_FILE: who may do what, by name. Default: only what keys and tokens say themselves. */
  readonly policyFile: string | undefined
  /** EVENT_METRICS_PUBLIC: whether GET /metrics asks nobody for credentials. Default false. */
  readonly metricsPublic: boolean
}

export function readAccess(environment: Environment, read: EnvironmentReader): AccessConfiguration {
  const isSaid = environment.EVENT_AUTH !== undefined && environment.EVENT_AUTH !== ''
  return {
    auth: isSaid
      ? read.choice<AuthMode>('EVENT_AUTH', undefined, 'EVENT_AUTH', ['required', 'optional', 'off'])
      : undefined,
    policyFile: read.optionalText('EVENT_POLICY_FILE', undefined, 'EVENT_POLICY_FILE'),
    metricsPublic: read.choice('EVENT_METRICS_PUBLIC', undefined, 'EVENT_METRICS_PUBLIC', ['false', 'true']) === 'true'
  }
}

/** Whether a service with these variables asks anybody for credentials. */
export function asksForCredentials({ EVENT_AUTH: auth, EVENT_POLICY_FILE: policyFile }: Environment): boolean {
  return auth === undefined || auth === '' ? policyFile !== undefined && policyFile !== '' : auth !== 'off'
}
