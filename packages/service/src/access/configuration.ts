import type { Environment, EnvironmentReader } from '@tradpal/event-system'
import { type JwtConfiguration, readJwt } from './jwt-configuration.ts'

/** Who is asked for credentials. */
export type AuthMode = 'required' | 'optional' | 'off'

/** The files by which the service speaks TLS, in PEM. What changes in them holds without a restart. */
export interface TlsFiles {
  /** EVENT_TLS_CERT_FILE: the certificate of the service, and behind it those of the authorities between it and the root. */
  readonly certFile: string
  /** EVENT_TLS_KEY_FILE: its private key, without a passphrase. */
  readonly keyFile: string
  /** EVENT_TLS_CLIENT_CA_FILE: the authorities whose client certificates are credentials. Default: none are asked for. */
  readonly clientCaFile: string | undefined
  /** EVENT_TLS_CRL_FILE: which client certificates were revoked, a list of each authority. Default: none. */
  readonly crlFile: string | undefined
}

/** Who may use the service. */
export interface AccessConfiguration {
  /**
   * EVENT_AUTH: `required` refuses whoever shows no credentials; `optional` takes them for `anonymous`, who may do what the
   * policy gives to that name; `off` asks nobody. Default: `required` when EVENT_POLICY_FILE or an EVENT_JWT_ variable says who may
   * come, and otherwise as `off`, and only for loopback and private addresses.
   */
  readonly auth: AuthMode | undefined
  /** EVENT_POLICY_FILE: who may do what, by name. Default: only what keys and tokens say themselves. */
  readonly policyFile: string | undefined
  /** EVENT_METRICS_PUBLIC: whether GET /metrics asks nobody for credentials. Default false. */
  readonly metricsPublic: boolean
  /** The EVENT_JWT_ variables: which tokens are taken. Default: none are. */
  readonly jwt: JwtConfiguration | undefined
  /** Undefined: it speaks HTTP without TLS. */
  readonly tls: TlsFiles | undefined
}

export function readAccess(environment: Environment, read: EnvironmentReader): AccessConfiguration {
  const isSaid = environment.EVENT_AUTH !== undefined && environment.EVENT_AUTH !== ''
  return {
    auth: isSaid
      ? read.choice<AuthMode>('EVENT_AUTH', undefined, 'EVENT_AUTH', ['required', 'optional', 'off'])
      : undefined,
    policyFile: read.optionalText('EVENT_POLICY_FILE', undefined, 'EVENT_POLICY_FILE'),
    metricsPublic: read.choice('EVENT_METRICS_PUBLIC', undefined, 'EVENT_METRICS_PUBLIC', ['false', 'true']) === 'true',
    jwt: readJwt(environment, read),
    tls: readTlsFiles(read)
  }
}

function readTlsFiles(read: EnvironmentReader): TlsFiles | undefined {
  const file = (variable: string) => read.optionalText(variable, undefined, variable)
  const [certFile, keyFile] = [file('EVENT_TLS_CERT_FILE'), file('EVENT_TLS_KEY_FILE')]
  const [clientCaFile, crlFile] = [file('EVENT_TLS_CLIENT_CA_FILE'), file('EVENT_TLS_CRL_FILE')]
  if ((certFile === undefined) !== (keyFile === undefined)) {
    read.wrong('EVENT_TLS_CERT_FILE and EVENT_TLS_KEY_FILE belong together: set both, or none.')
  } else if (clientCaFile !== undefined && certFile === undefined) {
    read.wrong(
      'EVENT_TLS_CLIENT_CA_FILE is for a service that speaks TLS: set EVENT_TLS_CERT_FILE and EVENT_TLS_KEY_FILE too.'
    )
  }
  if (crlFile !== undefined && clientCaFile === undefined) {
    read.wrong('EVENT_TLS_CRL_FILE is for client certificates: set EVENT_TLS_CLIENT_CA_FILE too.')
  }
  return certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile, clientCaFile, crlFile }
}

/** Whether somebody is asked for credentials: as EVENT_AUTH says, or else where something says who may come. */
export function asksForCredentials({ auth, policyFile, jwt, tls }: AccessConfiguration): boolean {
  if (auth !== undefined) return auth !== 'off'
  return policyFile !== undefined || jwt !== undefined || tls?.clientCaFile !== undefined
}
