import { readFile } from 'node:fs/promises'
import { parseHead } from '@tradpal/event-system/audit'
import { EventSystemError } from '@tradpal/events'
import { writeWhole } from '../../whole-file.ts'

/** The head that a file keeps, as `audit head` prints it. Rejects with `not_found` and `invalid_argument`. */
export async function readHeadFile(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause) => {
    if (cause.code !== 'ENOENT') throw cause
    const sentence = `There is no head in ${path}: begin with tradpal-events audit head > ${path}.`
    throw new EventSystemError('not_found', sentence, { cause })
  })
  const head = text.trim()
  if (parseHead(head) !== undefined) return head
  throw new EventSystemError(
    'invalid_argument',
    `${path} must hold the number of an entry, a colon and its hash, as audit head prints it.`
  )
}

export async function writeHeadFile(path: string, head: string): Promise<void> {
  await writeWhole(path, [`${head}\n`])
}
