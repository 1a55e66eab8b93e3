import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

/** What V8 says of what it takes for lasting, in a process in which a burst of objects outlives some collections. */
function takenForLasting(before: string): string[] {
  const script = `
    ${before}
    const make = (i) => ({ id: i, body: { text: 'text ' + i } })
    for (let round = 0; round < 20; round++) Array.from({ length: 100_000 }, (_, i) => make(i))`
  const flags = ['--trace-pretenuring-statistics', '--input-type=module', '--conditions=tradpal-source']
  const said = execFileSync(process.execPath, [...flags, '--eval', script], { encoding: 'utf8' })
  return said.split('\n').filter((line) => /=> (?:maybe )?tenure/.test(line))
}

test('what a service makes is not taken for lasting, be it that a burst of it outlives some collections', () => {
  const file = new URL('../src/young-garbage.ts', import.meta.url).href
  expect(takenForLasting('')).not.toEqual([])
  expect(takenForLasting(`import { keepGarbageYoung } from '${file}'; keepGarbageYoung()`)).toEqual([])
})
