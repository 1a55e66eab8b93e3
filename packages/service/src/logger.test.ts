import { expect, it } from 'vitest'
import { newLogger } from './logger.ts'

it('a line of the log is JSON of what was logged, and holds no character that steers a terminal', () => {
  const lines: string[] = []
  const logger = newLogger('info', { write: (line) => void lines.push(line) })
  const source = 'x\u001b[2J\u007f\u0085\u009b31m\u2028\u202e\u2066'
  logger.info({ source }, `from ${source}`)
  logger.child({ source }).warn({}, 'again')

  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ source, msg: `from ${source}` }),
    expect.objectContaining({ source, msg: 'again' })
  ])
  for (const line of lines) expect(line).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+\n$/u)
})
