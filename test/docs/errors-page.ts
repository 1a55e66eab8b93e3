import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ERROR_CODES, type ErrorCode } from '@tradpal/events'
import { STATUS } from '../../packages/service/src/http/problems.ts'
import { HOUSE } from './pages.ts'

/** docs/errors.md, made of the table of codes and of the comments that group it. */
export function errorsPage(): string {
  return `# Errors

Everything that goes wrong is an \`EventSystemError\`, in the library, in the client and behind the command line. Its \`code\` is
one of the closed table below, and is what a program switches on; its \`message\` is a sentence for people that says what is
wrong, where, and what would be right, and may change.

\`\`\`ts
import { createEvent, EventSystemError, EventType } from '@tradpal/events'

try {
  createEvent(EventType.TRADING_SIGNAL, { symbol: 'AAPL', signal: 'MAYBE' as 'BUY' })
} catch (error) {
  if (!(error instanceof EventSystemError)) throw error
  console.log(error.code) // invalid_data
  console.log(error.pointer) // /data/signal
  console.log(error.retryable) // false
}
\`\`\`

- \`retryable\`: whether the same call, unchanged, may succeed later. When it is false, the event, the call or the configuration has to change
  first. Publishing the same event again is safe within the [deduplication window](publishing.md#deduplication): its id tells.
- \`pointer\`: the JSON pointer (RFC 6901) of the value that is wrong, from the root of what was given: the event, or the batch.
- \`index\`: in a batch, which event is wrong, from 0. Nothing of the batch was written, but for \`event_id_conflict\`.
- \`conflicts\`: of an \`event_id_conflict\` in a batch, the indexes of all events that were not written. Every other one is in the log.
- \`cause\`: the error underneath, where there is one.

Over HTTP an error is a problem document (\`application/problem+json\`, RFC 9457) with the same \`code\`, \`pointer\` and \`index\`, the
sentence as \`detail\`, and the status of the last column; with 429 and 503 comes \`Retry-After\`: see [HTTP](http.md#errors). The client throws it as an
\`EventSystemError\` again. The command line prints the sentence and the code, and ends with an [exit code](command-line.md#exit-codes).

${groups().map(section).join('\n')}`
}

interface Group {
  readonly title: string
  readonly codes: readonly ErrorCode[]
}

function groups(): Group[] {
  const source = readFileSync(join(HOUSE, 'packages/events/src/errors.ts'), 'utf8')
  const [, table = ''] = /ERROR_CODES = \{\n(.*?)^\}/ms.exec(source) ?? []
  return [...table.matchAll(/^ {2}\/\/ (.+)\n((?: {2}(?!\/\/).*\n)+)/gm)].map(([, title = '', lines = '']) => ({
    title,
    codes: Object.keys(ERROR_CODES).filter((code) => lines.includes(`  ${code}: {`)) as ErrorCode[]
  }))
}

function section({ title, codes }: Group): string {
  const rows = codes.map((code) => {
    const { meaning, retryable } = ERROR_CODES[code]
    return `| \`${code}\` | ${meaning} | ${retryable ? 'yes' : 'no'} | ${STATUS[code]} |`
  })
  return `## ${title[0]?.toUpperCase()}${title.slice(1)}

| code | meaning | retryable | HTTP |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}
