import { EventSystemError } from './errors.ts'

/** How many entries were appended with a stream key, such as `account-7`: 0 when none ever was. */
export interface StreamVersion {
  readonly key: string
  readonly version: number
}

/** Surrogates stand in it in pairs only: half a character is none. */
const KEY = /^[^\p{Cc}\p{Cs}]{1,200}$/u

/** Whether a text can be a key of an entry, such as a stream key: 1 to 200 characters, none of them a control character or half of one. */
export function isKey(text: string): boolean {
  return KEY.test(text)
}

/** Throws `invalid_argument` unless it is a text of 1 to 200 characters, none of them a control character. */
export function assertStreamKey(key: unknown): asserts key is string {
  if (typeof key === 'string' && isKey(key)) return
  const message = `A stream key must be a text of 1 to 200 characters, none of them a control character, got ${shown(key)}.`
  throw new EventSystemError('invalid_argument', message)
}

/** Throws `invalid_argument` unless it is the number that an entry of a stream can have: a whole number of at least 1. */
export function assertFromVersion(fromVersion: unknown): asserts fromVersion is number {
  if (Number.isSafeInteger(fromVersion) && (fromVersion as number) >= 1) return
  const message = `fromVersion must be a whole number of at least 1, got ${shown(fromVersion)}.`
  throw new EventSystemError('invalid_argument', message)
}

/** Throws `invalid_argument` unless each is a version of a key that can be, and no key comes twice. */
export function assertExpectedVersions(expected: readonly StreamVersion[]): void {
  if (expected.length === 0) return
  const keys = new Set<string>()
  for (const { key, version } of expected) {
    assertStreamKey(key)
    if (!Number.isSafeInteger(version) || version < 0) {
      const message = `The expected version of ${shown(key)} must be a whole number of at least 0, got ${shown(version)}.`
      throw new EventSystemError('invalid_argument', message)
    }
    if (keys.has(key)) throw new EventSystemError('invalid_argument', `Of ${shown(key)} two versions are expected.`)
    keys.add(key)
  }
}

/** For an append that expected another version than the key has. */
export function versionConflict({ key, version }: StreamVersion, actualVersion: number): EventSystemError {
  const message = `${shown(key)} has version ${actualVersion}, and version ${version} was expected; nothing was written.`
  return new EventSystemError('version_conflict', message, { streamKey: key, expectedVersion: version, actualVersion })
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 210 ? `${text.slice(0, 60)}…` : text
}
