import { describe, expect, test } from 'vitest'
import { onlyOptions, unknownOptions } from './only-options.ts'

interface Options {
  readonly logPath?: string
  readonly by?: string
  readonly timeoutMs?: number
}

const NAMES = { logPath: true, by: true, timeoutMs: true } as const
const ALL = 'logPath, by, timeoutMs'

describe('options', () => {
  test.each<[string, unknown, string | undefined]>([
    ['all that are known pass', { logPath: 'a', by: 'b', timeoutMs: 1 }, undefined],
    ['none pass', {}, undefined],
    [
      'a misspelt name is refused with the nearest',
      { logPth: 'a' },
      'logPth is no option of Thing; did you mean logPath?'
    ],
    [
      'another case is refused with the nearest',
      { LogPath: 'a' },
      'LogPath is no option of Thing; did you mean logPath?'
    ],
    ['snake case too', { timeout_ms: 1 }, 'timeout_ms is no option of Thing; did you mean timeoutMs?'],
    ['a name like none is refused with all', { colour: 1 }, `colour is no option of Thing; its options are ${ALL}.`],
    ['a short name resembles no other short one', { to: 1 }, `to is no option of Thing; its options are ${ALL}.`],
    [
      'a name of every object is known to none',
      { toString: 1 },
      `toString is no option of Thing; its options are ${ALL}.`
    ],
    [
      'each unknown name has its sentence',
      { bye: 1, x: 2 },
      `bye is no option of Thing; did you mean by?\nx is no option of Thing; its options are ${ALL}.`
    ],
    [
      'a long name is cut',
      { ['x'.repeat(200)]: 1 },
      `"${'x'.repeat(57)}..." is no option of Thing; its options are ${ALL}.`
    ],
    ['a list is no options', [], `Thing takes an object with options (${ALL}), got an array.`],
    ['null is no options', null, `Thing takes an object with options (${ALL}), got null.`],
    ['a number is no options', 5, `Thing takes an object with options (${ALL}), got 5.`],
    ['a text is no options', 'logPath', `Thing takes an object with options (${ALL}), got "logPath".`]
  ])('%s', (_, options, sentence) => {
    const check = () => onlyOptions<Options>('Thing', options as Options, NAMES)
    if (sentence === undefined) expect(check).not.toThrow()
    else expect(check).toThrow(expect.objectContaining({ code: 'invalid_options', message: sentence }))
  })

  test('are told as sentences to whoever gathers faults', () => {
    expect(unknownOptions<Options>('Thing', { logPath: 'a' }, NAMES)).toEqual([])
    expect(unknownOptions<Options>('Thing', { logPth: 'a' } as Options, NAMES)).toHaveLength(1)
  })
})
