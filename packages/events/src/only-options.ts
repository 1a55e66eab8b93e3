import { EventSystemError } from './errors.ts'
import { shown } from './json-value.ts'
import { nearestOf } from './nearest.ts'

/** The names of all options of a type. The compiler asks for each, and refuses others. */
export type OptionNames<Options> = Readonly<Record<keyof Options, unknown>>

/**
 * Refuses with `invalid_options` what is no object, and every option that `names` does not have: a misspelt one would be
 * ignored silently. `what` takes the options: `EventSystem`, `getEvents()`.
 */
export function onlyOptions<Options extends object>(
  what: string,
  options: Options,
  names: OptionNames<NoInfer<Options>>
): void {
  const faults = unknownOptions(what, options, names)
  if (faults.length > 0) throw new EventSystemError('invalid_options', faults.join('\n'))
}

/** As {@link onlyOptions}, for a caller that gathers faults: a sentence for each, with the nearest known name where there is one. */
export function unknownOptions<Options extends object>(
  what: string,
  options: Options,
  names: OptionNames<NoInfer<Options>>
): string[] {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    return [`${what} takes an object with options (${listed(names)}), got ${shown(options)}.`]
  }
  const unknown = Object.keys(options).filter((name) => !Object.hasOwn(names, name))
  return unknown.map((name) => {
    const [nearest] = nearestOf(name, Object.keys(names), 1, Math.min(2, Math.ceil(name.length / 3)))
    const shownName = /^\w{1,60}$/.test(name) ? name : shown(name)
    return nearest === undefined
      ? `${shownName} is no option of ${what}; its options are ${listed(names)}.`
      : `${shownName} is no option of ${what}; did you mean ${nearest}?`
  })
}

function listed(names: object): string {
  return Object.keys(names).join(', ')
}
