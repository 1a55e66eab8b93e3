import { nearestOf } from '@tradpal/events'
import type { Logger } from '../runtime/index.ts'
import type { Environment } from './environment.ts'

/** A variable that nothing reads, and the known one that it resembles. */
export interface MisspeltVariable {
  readonly variable: string
  readonly meant: string
}

/** How many single-letter changes, at most, make a variable resemble another. */
const MOST_CHANGES = 2

/** An environment that keeps the names of the variables that are read from it: the known ones. */
export function recordedEnvironment(environment: Environment): {
  readonly environment: Environment
  readonly known: ReadonlySet<string>
} {
  const known = new Set<string>()
  const get = (variables: Environment, name: string | symbol) => {
    if (typeof name === 'string') known.add(name)
    return Reflect.get(variables, name)
  }
  return { environment: new Proxy(environment, { get }), known }
}

/** The variables of an environment that are not known and resemble a known one. A variable that is set to nothing counts as unset. */
export function misspeltVariables(environment: Environment, known: ReadonlySet<string>): readonly MisspeltVariable[] {
  const names = [...known]
  return Object.keys(environment).flatMap((variable) => {
    if (known.has(variable) || !environment[variable]) return []
    const [meant] = nearestOf(variable, names, 1, MOST_CHANGES)
    return meant === undefined ? [] : [{ variable, meant }]
  })
}

/** Warns of each variable by its name. Its value may be a secret, and is not told. */
export function warnOfMisspelt(misspelt: readonly MisspeltVariable[], logger: Logger): void {
  for (const { variable, meant } of misspelt) {
    logger.warn({ variable, meant }, `no variable is called ${variable}: it is ignored; did you mean ${meant}?`)
  }
}
