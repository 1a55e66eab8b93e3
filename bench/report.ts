import { cpus, totalmem } from 'node:os'
import type { Comparison } from './measure.ts'

/** What the figures were measured on. */
export function machine(): string {
  const cpu = cpus()
  return `Node ${process.version}, ${process.platform} ${process.arch}, ${cpu.length} × ${cpu[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`
}

export function table(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map((one) => {
    const ratio = one.theirs === undefined ? undefined : one.ours / one.theirs
    return [
      one.what,
      figure(one.ours, one.unit),
      one.theirs === undefined ? '' : `${figure(one.theirs, one.unit)} (${one.peer})`,
      ratio === undefined ? '' : ratio.toFixed(2),
      verdict(one, ratio)
    ]
  })
  const lines = [['what', 'ours', 'the peer', 'ratio', 'floor'], ['---', '---:', '---:', '---:', '---'], ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

export function report(text: string, runs: number): string {
  return `# Results

Made by \`npm run bench -- --runs ${runs} --write\`: medians of ${runs} runs, the server and its client on the same machine, Redis 7.0 with
\`appendonly yes\` and \`appendfsync everysec\`, the embedded log with the durability \`os\`. Ours and the peer's figure are from the same run;
on a shared machine the ratio says more than the figure.

${machine()}

${text}
`
}

function figure(value: number, unit: Comparison['unit']): string {
  const digits = unit === 'ms' ? 2 : 0
  return `${value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${unit}`
}

function verdict({ ours, unit, floor, ratioFloor }: Comparison, ratio: number | undefined): string {
  if (ratioFloor !== undefined && ratio !== undefined) {
    return `${ratio >= ratioFloor ? 'reached' : 'missed'}: ratio of ${ratioFloor}`
  }
  if (floor === undefined) return ''
  const atMost = unit === 'ms' || unit === 'MB'
  const reached = atMost ? ours <= floor : ours >= floor
  return `${reached ? 'reached' : 'missed'}: ${atMost ? 'at most' : 'at least'} ${floor.toLocaleString('en')} ${unit}`
}
