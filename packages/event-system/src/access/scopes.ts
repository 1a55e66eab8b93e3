import { canonicalTypeOf, EventSystemError } from '@tradpal/events'

/** The verbs of scopes, and the names that may follow the colon. */
const VERBS: Readonly<Record<string, readonly string[] | 'anything' | 'nothing'>> = {
  publish: 'anything',
  stream: 'anything',
  read: 'anything',
  consume: 'anything',
  replay: 'nothing',
  stats: 'nothing',
  metrics: 'nothing',
  admin: ['groups', 'dead-letters', 'retention', 'keys', 'audit']
}

/** Every form of scope, for error messages: `<…>` stands for a name. */
const SCOPE_FORMS: readonly string[] = [
  'publish:<event type>',
  'stream:<prefix>',
  'read:<event type>',
  'consume:<group>',
  'replay',
  'stats',
  'metrics',
  'admin:groups',
  'admin:dead-letters',
  'admin:retention',
  'admin:keys',
  'admin:audit'
]

/** Callers make stream keys, one for each account or order. So the name in a scope is the beginning of keys, with or without a `*`. */
const OF_PREFIXES = 'stream:'

/**
 * Checks the form of a scope: a verb, for some verbs a colon and a name, and at the end a `*` for every name that begins so. `*`
 * alone is everything. Throws `invalid_argument`.
 */
export function assertScope(text: unknown): asserts text is string {
  if (typeof text !== 'string') throw invalid(`A scope must be a text, got ${JSON.stringify(text)}.`)
  if (text === '*') return
  const shown = JSON.stringify(text)
  if (/\*./.test(text)) throw invalid(`In the scope ${shown} a * stands elsewhere than at its end.`)
  const [, verb = '', colon, name = ''] = /^([^:]*)(:?)(.*)$/s.exec(text) ?? []
  const objects = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined
  if (objects === undefined) throw invalid(`There is no scope ${shown}; there are ${SCOPE_FORMS.join(', ')}.`)
  if (objects === 'nothing') {
    if (colon === '') return
    throw invalid(`The scope ${shown} says too much: it is ${verb} alone.`)
  }
  if (name === '') throw invalid(`The scope ${shown} lacks what it is for, as ${verb}:* has.`)
  if (/[\s\p{Cc}]/u.test(name)) throw invalid(`The scope ${shown} has blanks in it.`)
  if (objects === 'anything' || name.endsWith('*') || objects.includes(name)) return
  throw invalid(`There is no scope ${shown}; behind admin: stands one of ${objects.join(', ')}.`)
}

/** The things that a principal may do. */
export class Scopes {
  /** The scopes as they were given, sorted, each once. */
  readonly list: readonly string[]
  readonly #exact: ReadonlySet<string>
  readonly #beginnings: readonly string[]

  /** Throws `invalid_argument` for a scope that does not exist. */
  constructor(list: Iterable<string>) {
    const scopes = [...new Set(list)].sort()
    for (const scope of scopes) assertScope(scope)
    this.list = scopes
    this.#exact = new Set(scopes.filter((scope) => beginningOf(scope) === undefined).map(canonical))
    this.#beginnings = scopes.map(beginningOf).filter((beginning) => beginning !== undefined)
  }

  /** Whether a scope that names one thing, such as `publish:trading_signal`, is allowed. */
  allow(scope: string): boolean {
    return this.#has(scope) || this.#has(canonical(scope))
  }

  #has(scope: string): boolean {
    return this.#exact.has(scope) || this.#beginnings.some((beginning) => scope.startsWith(beginning))
  }

  /** Whether the verb is allowed for at least one name. */
  allowSome(verb: string): boolean {
    return this.list.some((scope) => scope === '*' || scope === verb || scope.startsWith(`${verb}:`))
  }

  /** Whether the verb is allowed for every name. */
  allowAll(verb: string): boolean {
    return this.#beginnings.some((beginning) => `${verb}:`.startsWith(beginning))
  }

  /** The first of these scopes that includes another scope with everything that it allows; `undefined` when none does. */
  grantOf(scope: string): string | undefined {
    const wanted = canonical(scope)
    return this.list.find((one) => {
      const beginning = beginningOf(one)
      return canonical(one) === wanted || (beginning !== undefined && wanted.startsWith(beginning))
    })
  }
}

/** A scope with the canonical name of its event type: an alias is another name of the same type. */
function canonical(scope: string): string {
  const [, verb, type] = /^(publish|read):(.+)$/.exec(scope) ?? []
  return type === undefined ? scope : `${verb}:${canonicalTypeOf(type)}`
}

/** The beginning of all scopes that this one allows; `undefined` for a scope that allows itself alone. */
function beginningOf(scope: string): string | undefined {
  if (scope.endsWith('*')) return scope.slice(0, -1)
  return scope.startsWith(OF_PREFIXES) ? scope : undefined
}

export const ALL_SCOPES = new Scopes(['*'])
export const NO_SCOPES = new Scopes([])

function invalid(message: string): EventSystemError {
  return new EventSystemError('invalid_argument', message)
}
