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
      one.ratio?.toFixed(2) ?? '',
      verdict(one)
    ]
  })
  const lines = [['what', 'ours', 'the peer', 'ratio', 'floor'], ['---', '---:', '---:', '---:', '---'], ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

export function report(text: string, runs: number): string {
  return `# Results

Made by \`npm run bench -- --runs ${runs} --write\`: medians of ${runs} runs, the server and its client on the same machine, Redis 7.0 with
\`appendonly yes\` and \`appendfsync everysec\`, the embedded log with the durability \`os\`. Ours and the peer's figure are from the same run, one after another and HTTP
in turns of a thousand or more; the ratio is the median of the runs' ratios. On a shared machine it says more than the figures.

${machine()}

${text}
`
}

function figure(value: number, unit: Comparison['unit']): string {
  const digits = unit === 'ms' || unit === '%' ? 2 : 0
  return `${value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${unit}`
}

function verdict({ ours, unit, floor, ratioFloor, ratio }: Comparison): string {
  const verdicts: string[] = []
  if (ratioFloor !== undefined && ratio !== undefined) {
    verdicts.push(`${ratio >= ratioFloor ? 'reached' : 'missed'}: ratio of ${ratioFloor}`)
  }
  if (floor !== undefined) {
    const atMost = unit === 'ms' || unit === 'MB' || unit === '%'
    const reached = atMost ? ours <= floor : ours >= floor
    verdicts.push(
      `${reached ? 'reached' : 'missed'}: ${atMost ? 'at most' : 'at least'} ${floor.toLocaleString('en')} ${unit}`
    )
  }
  return verdicts.join('; ')
}
