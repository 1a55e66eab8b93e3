import { fuzz } from './fuzz.ts'

/** `npm run test:fuzz`: 100,000 cases, or CASES of them; SEED plays others, or the same again. */
const cases = Number(process.env.CASES ?? 100_000)
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)
const MOST_BYTES = 64 * 1_048_576
const MOST_HANDLES = 10

console.log(`${cases} cases, SEED=${seed}`)
const startedAt = performance.now()
const onProgress = (done: number) => {
  if (done % 10_000 === 0) console.log(`${done} after ${Math.round((performance.now() - startedAt) / 1_000)} s`)
}
const { statuses, grownBytes, grownHandles } = await fuzz({ cases, seed, onProgress })

console.log(
  `answers: ${[...statuses]
    .sort()
    .map(([status, count]) => `${status}: ${count}`)
    .join(', ')}`
)
console.log(`grown by ${Math.round(grownBytes / 1_048_576)} MiB and ${grownHandles} handles`)
process.exitCode = grownBytes > MOST_BYTES || grownHandles > MOST_HANDLES ? 1 : 0
