import assert from 'node:assert/strict'
import type { Storage, Unit } from '../port.ts'
import { someEntries } from './entries.ts'
import { rejectsWith } from './expect.ts'
import type { ConformanceCase, OptionalInterface } from './harness.ts'

export const featureCases: readonly ConformanceCase[] = [
  {
    title:
      'features: a handle says what its adapter declares, and has every interface but those that are declared absent',
    async run(harness) {
      const storage = await harness.open()
      assert.deepEqual(storage.features, harness.features)
      const there: Readonly<Record<OptionalInterface, boolean>> = {
        partitioned: storage.partitioned !== undefined,
        counters: storage.counters !== undefined,
        rewrite: storage.log.rewrite !== undefined
      }
      const absent = Object.entries(there).flatMap(([name, isThere]) => (isThere ? [] : [name]))
      assert.deepEqual(absent.sort(), [...harness.absent].sort())
    }
  },
  {
    title: 'features: a unit with a part that is not in `atomic` is refused with `unsupported`, and changes nothing',
    needs: ({ features }) => unitParts().some((part) => !features.atomic.has(part)),
    async run(harness) {
      const storage = await harness.open()
      for (const part of unitParts().filter((one) => !harness.features.atomic.has(one))) {
        const unit: Unit = { append: { entries: someEntries(1) }, [part]: [] }
        await rejectsWith(() => storage.commit([unit]), 'unsupported')
      }
      assert.equal(await lengthOf(storage), 0)
    }
  }
]

function unitParts(): (keyof Unit)[] {
  return ['fence', 'acknowledge', 'attach', 'requeue', 'cursors', 'append', 'write']
}

async function lengthOf({ log }: Storage): Promise<number> {
  return (await log.info()).length
}
