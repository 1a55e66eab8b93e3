import { cpus, totalmem } from 'node:os'
import type { Comparison, Result } from './measure.ts'

/** What the figures were measured on. */
export function machine(): string {
  const cpu = cpus()
  return `Node ${process.version}, ${process.platform} ${process.arch}, ${cpu.length} × ${cpu[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`
}

const HEAD = ['what', 'ours', 'the peer', 'ratio', 'floor']
const ALIGNED = ['---', '---:', '---:', '---:', '---']

export function table(comparisons: readonly Comparison[]): string {
  return tableOf([HEAD, ALIGNED, ...comparisons.map(cellsOf)])
}

function cellsOf(one: Comparison): string[] {
  const theirs = one.theirs === undefined ? '' : `${figure(one.theirs, one.unit)} (${one.peer})`
  return [one.what, figure(one.ours, one.unit), theirs, ratioText(one), verdict(one)]
}

function tableOf(lines: readonly (readonly string[])[]): string {
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

export function report(results: readonly Result[]): string {
  const rows = results.map((one) => [...cellsOf(one), `${one.day}, ${one.runs} ${one.runs === 1 ? 'run' : 'runs'}`])
  return `# Results

Made by \`npm run bench -- --runs 5 --write\`, or by that with \`--only\` and some scenarios, whose lines alone are then new: a figure of an hour in which the machine was slow stands beside
others of a fast one, so read each line by itself. The last column says when a figure was measured, and of how many runs it is the median. The server and its client run on the same machine.
Redis 7.0 has \`appendonly yes\` and \`appendfsync everysec\`, and does not rewrite that file meanwhile; the embedded log has the durability \`os\`, and JetStream keeps its stream in a file. Each run
has processes of its own. Where many events are published or consumed, each side has a process and a server of its own, as a service has. The figures of both sides are from the same run, in turns,
after a warm-up that is not counted; the ratio is the median of the runs' ratios. On a shared machine the ratio says more than the figures.

What is compared:

- **Publishing.** The library checks each event, gives it its lineage, writes its JSON, and appends it unless its event id came within the last two minutes. Each peer writes the same JSON and
  remembers the event id in the way that the line names; no peer checks the event. MULTI, XADD and HSET only remember: a second event of the same id is appended all the same. The UNIQUE index of
  SQLite, JetStream with \`Nats-Msg-Id\` and BullMQ with job ids refuse it. One line has XADD alone, without deduplication, for scale. Random event ids are those of \`crypto.randomUUID()\`, which
  share nothing with each other; all other lines have ids of the library, which are in order of time.
- **Compression.** Market data with a number of price bars, whose prices move by chance, published in batches of 100 and replayed by one process; \`npm run bench -- --only compression\`. The bytes are those of the stored payload.
- **A stream for each type.** The library over one Redis with \`EVENT_PARTITIONING\` \`type\` and \`none\`, in turns; \`npm run bench -- --only by-type-redis\`. One process publishes and consumes, and each batch has events of all types.
- **HTTP.** The peer is the same framework with a handler that parses the body and answers a constant. Its requests are grouped by turns of the event loop, as those of the service are.
- **Consuming.** The driver reads through a consumer group, parses the JSON, and acknowledges. BullMQ's worker does a job of the same data, and is there for scale: it keeps a state for each job.
- **Memory.** What the process of the service takes of the machine (resident), started as \`npm start\` starts it. A mixed load is 1,900 events a second in batches of 100, three readers of the live
  stream of which one is slow, two consumers that pull and lose some acknowledgements, and five queries a second. \`MINUTES=20\` makes it longer than five minutes.

${[...new Set(results.map((one) => one.machine))].join('; ')}

${tableOf([[...HEAD, 'measured'], [...ALIGNED, '---'], ...rows])}
${missed(results)}`
}

/** By how much floors were missed, and what stands in the way. */
function missed(comparisons: readonly Comparison[]): string {
  const sentences = comparisons.flatMap((one) => {
    const { what, ours, unit, floor, ratioFloor, inTheWay } = one
    if (!verdict(one).includes('missed')) return []
    const amounts = [
      ...(ratioFloor !== undefined && !reachesRatio(one)
        ? [`a ratio of ${ratioText(one)} instead of ${ratioFloor}`]
        : []),
      ...(floor !== undefined && !reaches(one) ? [`${figure(ours, unit)} instead of ${figure(floor, unit)}`] : [])
    ]
    return [`- ${what}: ${amounts.join(', and ')}. ${inTheWay ?? ''}`.trimEnd()]
  })
  return sentences.length === 0 ? '' : `\n## What was missed\n\n${sentences.join('\n')}\n`
}

/** With a third digit where two would read as the other verdict. */
function ratioText(one: Comparison): string {
  const { ratio } = one
  if (ratio === undefined) return ''
  const text = ratio.toFixed(2)
  const reads = reachesRatio({ ...one, ratio: Number(text) })
  return reads === reachesRatio(one) ? text : ratio.toFixed(3)
}

function reachesRatio({ unit, ratio = Number.NaN, ratioFloor }: Comparison): boolean {
  if (ratioFloor === undefined) return true
  return isAtMost(unit) ? ratio <= ratioFloor : ratio >= ratioFloor
}

function reaches({ ours, unit, floor = 0 }: Comparison): boolean {
  return isAtMost(unit) ? ours <= floor : ours >= floor
}

function isAtMost(unit: Comparison['unit']): boolean {
  return unit === 'bytes' || unit === 'ms' || unit === 'MB' || unit === '%'
}

function figure(value: number, unit: Comparison['unit']): string {
  const digits = unit === 'ms' || unit === '%' ? 2 : 0
  return `${value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${unit}`
}

function verdict(one: Comparison): string {
  const { unit, floor, ratioFloor, ratio } = one
  const verdicts: string[] = []
  if (ratioFloor !== undefined && ratio !== undefined) {
    const bound = isAtMost(unit) ? 'ratio of at most' : 'ratio of'
    verdicts.push(`${reachesRatio(one) ? 'reached' : 'missed'}: ${bound} ${ratioFloor}`)
  }
  if (floor !== undefined) {
    verdicts.push(
      `${reaches(one) ? 'reached' : 'missed'}: ${isAtMost(unit) ? 'at most' : 'at least'} ${floor.toLocaleString('en')} ${unit}`
    )
  }
  return verdicts.join('; ')
}
