import { EventSystemError, type OptionNames, unknownOptions } from '@tradpal/events'
import { shown } from '../runtime/index.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Whether a text begins as the URL of a Redis does. */
export function isRedisUrl(text: string): boolean {
  return /^(rediss?(\+(cluster|sentinel))?|(redis\+)?unix):\/\/./.test(text)
}

/** Takes each value from the option or the variable, and gathers what is wrong, to say it all at once. */
export class EnvironmentReader {
  readonly #environment: Environment
  readonly #wrong: string[] = []

  constructor(environment: Environment) {
    this.#environment = environment
  }

  text(option: string, given: string | undefined, variable: string, fallback: string): string {
    const value = given ?? this.#variable(variable) ?? fallback
    const name = given === undefined ? variable : option
    if (typeof value !== 'string') this.wrong(`${name} must be a text, got ${JSON.stringify(value)}.`)
    else if (value.trim() === '') this.wrong(`${name} must not be empty.`)
    return value
  }

  /** Undefined when nobody says one. */
  optionalText(option: string, given: string | undefined, variable: string): string | undefined {
    if (given === undefined && this.#variable(variable) === undefined) return undefined
    return this.text(option, given, variable, '')
  }

  wholeNumber(
    option: string,
    given: number | undefined,
    variable: string,
    fallback: number,
    least: number,
    most = Number.MAX_SAFE_INTEGER
  ): number {
    const text = this.#variable(variable)
    const value = given ?? (text === undefined ? fallback : /^\d+$/.test(text) ? Number(text) : Number.NaN)
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      const name = given === undefined ? variable : option
      const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
      this.wrong(`${name} must be a whole number ${range}, got ${shown(given ?? text)}.`)
    }
    return value
  }

  /** A whole number that something must not pass; infinite when nobody says one. */
  bound(option: string, given: number | undefined, variable: string): number {
    if (given === undefined && this.#variable(variable) === undefined) return Number.POSITIVE_INFINITY
    return this.wholeNumber(option, given, variable, 0, 0)
  }

  choice<T extends string>(option: string, given: T | undefined, variable: string, choices: readonly [T, ...T[]]): T {
    // The variable is read where an option wins, too: it is then known, and recognised where it is misspelt.
    const text = this.#variable(variable)
    const value = given ?? text ?? choices[0]
    const choice = choices.find((one) => one === value)
    if (choice === undefined) {
      this.wrong(
        `${given === undefined ? variable : option} must be ${choices.join(' or ')}, got ${JSON.stringify(value)}.`
      )
    }
    return choice ?? choices[0]
  }

  /** Off unless it says `true`. */
  flag(option: string, given: boolean | undefined, variable: string): boolean {
    const text = given === undefined ? undefined : (String(given) as 'false' | 'true')
    return this.choice(option, text, variable, ['false', 'true']) === 'true'
  }

  /** Texts that belong together and have no default: those of the options when there are any, else those of the variables. */
  texts<Key extends string>(
    option: string,
    given: { readonly [key in Key]?: string | undefined } | undefined,
    variables: Readonly<Record<Key, string>>
  ): { readonly key: Key; readonly name: string; readonly value: string }[] {
    return (Object.keys(variables) as Key[]).flatMap((key) => {
      const value = given === undefined ? this.#variable(variables[key]) : given[key]
      return value === undefined
        ? []
        : [{ key, name: given === undefined ? variables[key] : `${option}.${key}`, value }]
    })
  }

  /** The URL of a Redis. What it holds may be a password: no sentence repeats it. */
  redisUrl(option: string, given: string | undefined, variable: string): string | undefined {
    const value = given ?? this.#variable(variable)
    if (value === undefined || isRedisUrl(value)) return value
    const name = given === undefined ? variable : option
    this.wrong(
      `${name} must be a URL that begins with redis:// or rediss://, redis+cluster://, redis+sentinel:// or redis+unix://, such as redis://localhost:6379.`
    )
    return undefined
  }

  /** What `make` makes. Undefined when it throws an `EventSystemError`: that is told with all else. */
  checked<Made>(make: () => Made): Made | undefined {
    try {
      return make()
    } catch (error) {
      if (!(error instanceof EventSystemError)) throw error
      this.wrong(error.message)
      return undefined
    }
  }

  /** Options of names that are not known are told with all else. */
  only<Options extends object>(what: string, given: Options | undefined, names: OptionNames<NoInfer<Options>>): void {
    if (given !== undefined) this.#wrong.push(...unknownOptions(what, given, names))
  }

  wrong(sentence: string): void {
    this.#wrong.push(sentence)
  }

  finish(): void {
    if (this.#wrong.length > 0) throw new EventSystemError('invalid_options', this.#wrong.join('\n'))
  }

  /** A variable that is set to nothing counts as unset, as shells and container files leave it. */
  #variable(name: string): string | undefined {
    const value = this.#environment[name]
    return value === '' ? undefined : value
  }
}
