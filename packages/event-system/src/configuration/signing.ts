import { Signing } from '../codec/index.ts'
import type { Logger } from '../runtime/index.ts'
import type { EnvironmentReader } from './environment.ts'

/** Who wrote an event can be told from who slipped one into the log. */
export interface SigningOptions {
  /** A JSON file of its owner alone, with keys by their ids: the one that `current` names signs what is published, and all verify. It is read again when it changes. Environment: EVENT_SIGNING_KEYS_FILE. */
  readonly keysFile: string
  /** `required`: what is read without a signature that is right counts as no event. Environment: EVENT_VERIFY_SIGNATURES. Default `off`. */
  readonly verify?: 'off' | 'required'
}

/** Undefined when nobody asked for it. What is wrong with the keys is told with all else. */
export function readSigning(
  given: SigningOptions | undefined,
  read: EnvironmentReader,
  logger: Logger
): Signing | undefined {
  read.only('signing', given, { keysFile: true, verify: true })
  const keysFile = read.optionalText('signing.keysFile', given?.keysFile, 'EVENT_SIGNING_KEYS_FILE')
  const verify = read.choice('signing.verify', given?.verify, 'EVENT_VERIFY_SIGNATURES', ['off', 'required'])
  if (keysFile === undefined) {
    if (verify === 'required')
      read.wrong('Signatures are verified with keys: give their file (EVENT_SIGNING_KEYS_FILE).')
    return undefined
  }
  return read.checked(() => new Signing({ keysFile, verify, logger }))
}
