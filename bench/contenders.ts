import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { BenchLog } from './logs.ts'
import { spentMs } from './measure.ts'
import { startProcess } from './processes/start.ts'

/** Does the same as others, to be compared with them. */
export interface Contender {
  /** Does its share. Resolves to how long it took, in ms. */
  turn(): Promise<number>
  close(): Promise<unknown>
}

/** By their names. Each is made over a log of its own. */
export type Contenders = Readonly<Record<string, (log: BenchLog) => Promise<Contender>>>

/** Work that callers share. */
export interface SharedWork<Item> {
  readonly callers: number
  /** Makes what is done in one turn. Its time is not measured. */
  made(): readonly Item[]
  act(item: Item): Promise<unknown>
  close(): Promise<unknown>
}

/** A contender whose callers each take the next item, act on it, wait, and take another. */
export function byCallers<Item>({ callers, made, act, close }: SharedWork<Item>): Contender {
  return {
    turn() {
      const items = made()
      let next = 0
      const caller = async () => {
        while (next < items.length) await act(items[next++] as Item)
      }
      return spentMs(() => Promise.all(Array.from({ length: callers }, caller)))
    },
    close
  }
}

/**
 * How many contenders do in a second, of whom each does `each` in a turn. They have processes and logs of their own, since
 * code that has seen one log, one codec and one way to consume is faster than code that has seen two, and a service sees one.
 * One is at work at a time: what else the machine does falls on all. The first turns, in which the code is compiled, are not counted.
 */
export async function ratesOf(
  kind: BenchLog['kind'],
  names: readonly string[],
  { warmUps, turns, each }: { readonly warmUps: number; readonly turns: number; readonly each: number }
): Promise<number[]> {
  const contenders: ChildProcess[] = []
  // One after another: many servers that start at once make each other too slow.
  for (const name of names) contenders.push((await startProcess('contender.ts', process.env, [kind, name])).child)
  const spent = names.map(() => 0)
  for (let turn = 0; turn < warmUps + turns; turn++) {
    for (const [i, contender] of contenders.entries()) {
      const ms = await turnOf(contender)
      if (turn >= warmUps) spent[i] = (spent[i] ?? 0) + ms
    }
  }
  for (const contender of contenders) {
    const ended = once(contender, 'exit')
    contender.disconnect()
    await ended
  }
  return spent.map((ms) => ((turns * each) / ms) * 1_000)
}

async function turnOf(contender: ChildProcess): Promise<number> {
  const stop = new AbortController()
  const ended = once(contender, 'exit', { signal: stop.signal }).then(([code]) => {
    throw new Error(`A contender ended with ${code} in its turn.`)
  })
  const said = once(contender, 'message', { signal: stop.signal })
  contender.send('turn')
  const [ms] = (await Promise.race([said, ended])) as [number]
  ended.catch(() => {})
  stop.abort()
  return ms
}
