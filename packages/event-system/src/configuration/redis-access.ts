import type { EnvironmentReader } from './environment.ts'

/** How the Redis that a URL names is reached, beside what the URL says. */
export interface RedisAccessOptions {
  /**
   * With a URL that begins with `rediss`: files in PEM with the authorities that are trusted, and with our own certificate
   * and its key. Environment: EVENT_REDIS_TLS_CA_FILE, EVENT_REDIS_TLS_CERT_FILE, EVENT_REDIS_TLS_KEY_FILE and
   * EVENT_REDIS_TLS_SERVER_NAME. Default: what Node trusts, and no certificate.
   */
  readonly redisTls?: {
    readonly caFile?: string
    readonly certFile?: string
    readonly keyFile?: string
    readonly serverName?: string
  }
  /**
   * With a URL that begins with `redis+sentinel`: user and password of the sentinels. Environment:
   * EVENT_REDIS_SENTINEL_USERNAME and EVENT_REDIS_SENTINEL_PASSWORD. Default: those of the URL, or none where sentinels ask for none.
   */
  readonly redisSentinel?: { readonly username?: string; readonly password?: string }
}

const TLS_VARIABLES = {
  caFile: 'EVENT_REDIS_TLS_CA_FILE',
  certFile: 'EVENT_REDIS_TLS_CERT_FILE',
  keyFile: 'EVENT_REDIS_TLS_KEY_FILE',
  serverName: 'EVENT_REDIS_TLS_SERVER_NAME'
} as const
const SENTINEL_VARIABLES = {
  username: 'EVENT_REDIS_SENTINEL_USERNAME',
  password: 'EVENT_REDIS_SENTINEL_PASSWORD'
} as const

export interface RedisAccess {
  readonly tls?: NonNullable<RedisAccessOptions['redisTls']>
  readonly sentinel?: NonNullable<RedisAccessOptions['redisSentinel']>
}

/** Whoever names another log than the environment's (`isElsewhere`) has not asked for what the environment says of that one. */
export function readRedisAccess(
  options: RedisAccessOptions,
  read: EnvironmentReader,
  redisUrl: string | undefined,
  isElsewhere: boolean
): RedisAccess {
  read.only('redisTls', options.redisTls, { caFile: true, certFile: true, keyFile: true, serverName: true })
  read.only('redisSentinel', options.redisSentinel, { username: true, password: true })
  const part = <Name extends string>(
    given: { readonly [name in Name]?: string | undefined } | undefined,
    option: string,
    variables: Readonly<Record<Name, string>>,
    scheme: RegExp,
    beginning: string
  ) => {
    const found = read.texts(option, given, variables)
    const isMeant = redisUrl !== undefined && scheme.test(redisUrl)
    const [first] = found
    if (first !== undefined && !isMeant && (given !== undefined || !isElsewhere)) {
      read.wrong(`${first.name} is for a log in Redis whose URL begins with ${beginning}.`)
    }
    if (!isMeant || (found.length === 0 && given === undefined)) return undefined
    return Object.fromEntries(found.map(({ key, value }) => [key, value])) as { [name in Name]?: string }
  }
  const tls = part(options.redisTls, 'redisTls', TLS_VARIABLES, /^rediss/, 'rediss')
  const sentinel = part(
    options.redisSentinel,
    'redisSentinel',
    SENTINEL_VARIABLES,
    /^rediss?\+sentinel:/,
    'redis+sentinel'
  )
  return { ...(tls === undefined ? {} : { tls }), ...(sentinel === undefined ? {} : { sentinel }) }
}
