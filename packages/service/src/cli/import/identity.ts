import { createHash, hash } from 'node:crypto'
import { bytesOf } from '../input-file.ts'

/**
 * What an import is, as 64 hexadecimal digits: the content of the file and how it is read. Another file, or the same one
 * read otherwise, is another import.
 */
export async function identityOf(path: string, reading: object): Promise<string> {
  const digest = createHash('sha256')
  for await (const chunk of bytesOf(path)) digest.update(chunk)
  return digest.update(JSON.stringify(reading)).digest('hex')
}

/** The event id of a row that brings none: a UUID of version 8 (RFC 9562), made from its import and its number. */
export function rowEventId(identity: string, rowNumber: number): string {
  const digits = hash('sha256', `${identity}:${rowNumber}`, 'hex')
  const variant = ((Number.parseInt(digits[16] as string, 16) & 0x3) | 0x8).toString(16)
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `8${digits.slice(13, 16)}`,
    `${variant}${digits.slice(17, 20)}`,
    digits.slice(20, 32)
  ].join('-')
}
