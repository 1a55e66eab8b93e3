import { cpus, totalmem } from 'node:os'
import type { Comparison } from './measure.ts'

/** What the figures were measured on. */
export function machine(): string {
  const cpu = cpus()
  return `Node ${process.version}, ${process.platform} ${process.arch}, ${cpu.length} × ${cpu[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`
}

export function table(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map((one) => {
    return [
      one.what,
      figure(one.ours, one.unit),
      one.theirs === undefined ? '' : `${figure(one.theirs, one.unit)} (${one.peer})`,
      ratioText(one),
      verdict(one)
    ]
  })
  const lines = [['what', 'ours', 'the peer', 'ratio', 'floor'], ['---', '---:', '---:', '---:', '---'], ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

export function report(comparisons: readonly Comparison[], runs: number): string {
  return `# Results

Made by \`npm run bench -- --runs ${runs} --write\`: medians of ${runs} runs (of the 5,000,000 publishes one run), the server and its client on the same machine, Redis 7.0 with
\`appendonly yes\` and \`appendfsync everysec\`, the embedded log with the durability \`os\`. Ours and the peer's figure are from the same run, one after another and HTTP
in turns of a thousand or more; the ratio is the median of the runs' ratios. On a shared machine it says more than the figures.

${machine()}

${table(comparisons)}
${missed(comparisons)}`
}

/** By how much floors were missed, and what stands in the way. */
function missed(comparisons: readonly Comparison[]): string {
  const sentences = comparisons.flatMap((one) => {
    const { what, ours, unit, floor, ratioFloor, ratio = 0, inTheWay } = one
    if (!verdict(one).includes('missed')) return []
    const amounts = [
      ...(ratioFloor !== undefined && ratio < ratioFloor
        ? [`a ratio of ${ratioText(one)} instead of ${ratioFloor}`]
        : []),
      ...(floor !== undefined && !reaches(one) ? [`${figure(ours, unit)} instead of ${figure(floor, unit)}`] : [])
    ]
    return [`- ${what}: ${amounts.join(', and ')}. ${inTheWay ?? ''}`.trimEnd()]
  })
  return sentences.length === 0 ? '' : `\n## What was missed\n\n${sentences.join('\n')}\n`
}

/** With a third digit where two would look like the floor that was missed. */
function ratioText({ ratio, ratioFloor = 0 }: Comparison): string {
  if (ratio === undefined) return ''
  const text = ratio.toFixed(2)
  return ratio < ratioFloor && Number(text) >= ratioFloor ? ratio.toFixed(3) : text
}

function reaches({ ours, unit, floor = 0 }: Comparison): boolean {
  return isAtMost(unit) ? ours <= floor : ours >= floor
}

function isAtMost(unit: Comparison['unit']): boolean {
  return unit === 'ms' || unit === 'MB' || unit === '%'
}

function figure(value: number, unit: Comparison['unit']): string {
  const digits = unit === 'ms' || unit === '%' ? 2 : 0
  return `${value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${unit}`
}

function verdict(one: Comparison): string {
  const { unit, floor, ratioFloor, ratio } = one
  const verdicts: string[] = []
  if (ratioFloor !== undefined && ratio !== undefined) {
    verdicts.push(`${ratio >= ratioFloor ? 'reached' : 'missed'}: ratio of ${ratioFloor}`)
  }
  if (floor !== undefined) {
    verdicts.push(
      `${reaches(one) ? 'reached' : 'missed'}: ${isAtMost(unit) ? 'at most' : 'at least'} ${floor.toLocaleString('en')} ${unit}`
    )
  }
  return verdicts.join('; ')
}
